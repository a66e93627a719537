# bash completion for mq: `mq complete` knows commands, options, columns and the queues that there are.
#
# bash breaks words at : and =, and the addresses of queues have both: what it broke is put together again, and of the
# answers only what follows the last of them is handed back.
_mq() {
  local line=${COMP_LINE:0:COMP_POINT} words=() word i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ $word == [:=]* || ${words[-1]} == *[:=] ]] && [[ $line == *"${words[-1]}$word"* ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  local current=${words[-1]} answer
  local broken=${current%"${current##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r answer _; do
    COMPREPLY+=("$(printf %q "${answer#"$broken"}")")
  done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
  # A home goes on in the same word.
  [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *: ]] || compopt -o nospace
}
complete -o default -F _mq mq
