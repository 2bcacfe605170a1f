# Bash completion of the millrace command: verbs, their options, what those take, and queues' names.

_millrace() {
  local current=${COMP_WORDS[COMP_CWORD]}
  local previous=${COMP_WORDS[COMP_CWORD - 1]}
  local verb=${COMP_WORDS[1]}
  local verbs="create publish subscribe list stat doctor peek remove link bridge bench"
  COMPREPLY=()

  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$current")
    return
  fi

  case $previous in
    --directory)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --file | --credentials | --tls-ca | --tls-certificate | --tls-key)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --delimiter)
      mapfile -t COMPREPLY < <(compgen -W "newline nul none" -- "$current")
      return
      ;;
    --capacity | --block-size | --chunk | --count | --timeout | --permissions | --listen | \
      --connect | --nats | --stream | \
      --subject | --publish-to | --consumer | --window | --max-ack-pending | --ack-wait | \
      --replicas | --user | --password | --token)
      return
      ;;
  esac

  local options
  case $verb in
    create)
      options="--capacity --block-size --directory --exclusive-publisher --exclusive-subscriber
        --at-most-once --permissions --help"
      ;;
    publish)
      options="--file --delimiter --chunk --capacity --block-size --permissions --directory --help"
      ;;
    subscribe) options="--count --timeout --follow --delimiter --permissions --directory --help" ;;
    list) options="--long --directory --help" ;;
    stat) options="--json --directory --help" ;;
    doctor) options="--repair --json --directory --help" ;;
    peek) options="--count --delimiter --directory --help" ;;
    link)
      options="--listen --connect --queue --tls --tls-ca --tls-certificate --tls-key --capacity
        --block-size --permissions --directory --help"
      ;;
    remove | bench) options="--directory --help" ;;
    bridge)
      options="--queue --stream --subject --to-nats --from-nats --publish-to --window --consumer
        --max-ack-pending --ack-wait --replicas --no-create --skip-oversized --nats --user
        --password --token --credentials --tls-ca --tls-certificate --tls-key --capacity
        --block-size --permissions --directory --help"
      ;;
    *) return ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi

  case $verb in
    publish | subscribe | stat | doctor | peek | remove)
      # The queues of the directory that was named before, if one was.
      local -a directory=()
      local i
      for ((i = 2; i < COMP_CWORD - 1; ++i)); do
        if [[ ${COMP_WORDS[i]} == --directory ]]; then
          directory=(--directory "${COMP_WORDS[i + 1]/#\~/$HOME}")
        fi
      done
      mapfile -t COMPREPLY < <(
        compgen -W "$("${COMP_WORDS[0]}" list "${directory[@]}" 2>/dev/null)" -- "$current"
      )
      ;;
  esac
}

complete -F _millrace millrace
