# Sourced first: the test goes on in an IPC namespace of its own, where this user may have one. MQXX_PRIVATE_IPC says
# whether it is.
if [ -z "${MQXX_PRIVATE_IPC-}" ]; then
  export MQXX_PRIVATE_IPC=no
  if unshare --ipc true 2>/dev/null; then
    export MQXX_PRIVATE_IPC=yes
    exec unshare --ipc sh "$0" "$@"
  fi
fi
