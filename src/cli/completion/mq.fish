# fish completion for mq: `mq complete` knows commands, options, columns and the queues that there are.

function __mq_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    $program complete -- $words (commandline -ct) 2>/dev/null
end

complete -c mq -f -a '(__mq_complete)'
complete -c mq -n 'test -z "$(__mq_complete)"' -F
