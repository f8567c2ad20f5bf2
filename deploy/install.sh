#!/usr/bin/env bash
# Installs the restic-manager agent on this machine, enrolls it and starts it:
#
#   curl -fsSL https://backup.example.org/install/install.sh |
#     sudo RM_SERVER=https://backup.example.org RM_TOKEN=rme1_… bash
#
# On a machine that is enrolled it only repairs what is missing. Without the agent's data and program again:
#
#   curl -fsSL https://backup.example.org/install/install.sh | sudo bash -s -- --uninstall
#
# RM_SERVER            address of the web port
# RM_TOKEN             enrollment token; it works once
# RM_CA_PIN            pin that the token must carry, for those who know it from elsewhere
# RM_FORCE_REENROLL=1  enrolls a machine anew that is enrolled already
#
# Ends with 0 when the agent has its session with the server or there was nothing to do, 2 when something is missing or
# mistyped, 3 when all is installed but nothing here can start it, 75 when the same may work later, 77 when the server
# refused, 1 otherwise.

# Other shells get as far as here, because they read line by line.
if [ -z "${BASH_VERSION:-}" ]; then
  echo "This script needs bash. Give it to bash instead of sh: curl … | sudo RM_SERVER=… RM_TOKEN=… bash" >&2
  exit 2
fi
set -euo pipefail
umask 077
export LC_ALL=C

readonly name=restic-manager-agent
readonly program=/usr/local/bin/$name
readonly unit=/etc/systemd/system/$name.service
readonly settings=/etc/restic-manager
readonly state=/var/lib/restic-manager
readonly cache=/var/cache/restic-manager
readonly patience=60

# Prints each argument as a line.
say() { printf '%s\n' "$@"; }

# Ends with a code and says why.
give_up() {
  local code=$1
  shift
  printf '%s\n' "$@" >&2
  exit "$code"
}

main() {
  local todo=set_up
  case "${1:-}" in
    '') ;;
    --uninstall) todo=remove ;;
    --help)
      say "Installs the restic-manager agent; needs RM_SERVER and RM_TOKEN. --uninstall removes it with its data."
      return
      ;;
    *) give_up 2 "There is no option $1. Give none to install, or --uninstall." ;;
  esac
  [ "$(id -u)" = 0 ] || give_up 2 "This must run as root, because a backup has to read every file. Use sudo."
  "$todo"
}

set_up() {
  RM_SERVER=${RM_SERVER:-}
  RM_SERVER=${RM_SERVER%/}
  export RM_SERVER
  [ -n "$RM_SERVER" ] || give_up 2 "RM_SERVER is not set. Give the server's address, such as https://backup.example.org."
  need curl sha256sum
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT

  local must_enroll=yes
  if [ -d "$state/identity/current" ] && [ "${RM_FORCE_REENROLL:-}" != 1 ]; then
    if [ -x "$program" ] && [ -f "$unit" ] && is_running; then
      say "This machine is enrolled and its agent runs; nothing to do. RM_FORCE_REENROLL=1 enrolls it anew."
      return
    fi
    say "This machine is enrolled; installing what is missing. RM_FORCE_REENROLL=1 enrolls it anew."
    must_enroll=no
  elif [ -z "${RM_TOKEN:-}" ]; then
    give_up 2 "RM_TOKEN is not set. Make an enrollment token on the server; its answer shows the whole command."
  fi

  if [ "$must_enroll" = yes ] || [ ! -x "$program" ]; then
    install_program
  fi
  install -d -m 0700 "$settings" "$state" "$cache"
  [ "$must_enroll" = no ] || enroll
  unset RM_TOKEN
  local runs=no
  if has_systemd; then
    start
    runs=yes
  fi
  show_other_schedules
  [ "$runs" = yes ] || give_up 3 \
    "This machine has no systemd, so the agent is installed and enrolled but does not run, and nothing is backed up yet." \
    "Have your service manager run \`$program run\` as root, and start it again whenever it ends, except with 77 or 78."
}

need() {
  local tool
  for tool; do
    command -v "$tool" >/dev/null || give_up 2 "$tool is missing. Install it with the system's package manager."
  done
}

# Fetches a path of the server into a file. Answers 22 when the server says no.
fetch() {
  curl -fsSL --proto '=http,https' --retry 3 --connect-timeout 15 -o "$2" "$RM_SERVER$1"
}

install_program() {
  local arch
  [ "$(uname -s)" = Linux ] || give_up 1 "There is no agent for $(uname -s)."
  case "$(uname -m)" in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) give_up 1 "There is no agent for the processor $(uname -m)." ;;
  esac
  local query="os=linux&arch=$arch" code=0
  fetch "/agent/binary.sha256?$query" "$scratch/sum" || code=$?
  case $code in
    0) ;;
    22) give_up 1 "$RM_SERVER publishes no agent for linux/$arch. Whoever runs it puts the program into agent-binaries" \
      "of its data directory, as $name-linux-$arch." ;;
    *) give_up 75 "$RM_SERVER could not be reached; nothing was changed." ;;
  esac
  fetch "/agent/binary?$query" "$scratch/$name" ||
    give_up 75 "The agent could not be downloaded from $RM_SERVER; nothing was changed."
  local wanted found
  read -r wanted _ <"$scratch/sum"
  read -r found _ < <(sha256sum "$scratch/$name")
  [ "$wanted" = "$found" ] ||
    give_up 75 "The agent was damaged on its way (SHA-256 $found instead of $wanted); nothing was changed."

  install -m 0755 "$scratch/$name" "$program.new"
  local version
  version=$("$program.new" version) || {
    rm -f "$program.new"
    give_up 1 "The downloaded agent does not run on this machine; nothing was changed."
  }
  # By renaming, because the old program may be running.
  mv -f "$program.new" "$program"
  say "Installed $version at $program."
}

enroll() {
  local code=0 was_running=no
  if [ -d "$state/identity/current" ] && is_running; then
    was_running=yes
    systemctl stop "$name"
  fi
  # With RM_FORCE_REENROLL=1 the agent replaces what it has, once the server has answered.
  "$program" enroll 2>"$scratch/said" || code=$?
  cat "$scratch/said" >&2
  [ $code = 0 ] && return
  if [ $was_running = yes ]; then
    systemctl start "$name" || true
    give_up $code "This machine was not enrolled anew; its agent goes on as what it was."
  fi
  if [ $code = 75 ] && grep -q 'agent port' "$scratch/said"; then
    say "Agents connect to a port of their own, named above. It must be open to this machine, and a proxy in front of it" \
      "must pass it through untouched: it may not end TLS there." >&2
  fi
  give_up $code "This machine is not enrolled, and the agent was not started. Run the same command again when that is solved."
}

has_systemd() {
  command -v systemctl >/dev/null || return 1
  # Elsewhere the word is "offline".
  case "$(systemctl is-system-running 2>/dev/null || true)" in
    initializing | starting | running | degraded | maintenance) ;;
    *) return 1 ;;
  esac
}

is_running() { has_systemd && systemctl is-active --quiet "$name"; }

start() {
  fetch "/install/$name.service" "$scratch/unit" ||
    give_up 75 "The unit of the service could not be downloaded from $RM_SERVER; run the same command again."
  install -m 0644 "$scratch/unit" "$unit"
  systemctl daemon-reload
  systemctl enable --now "$name"

  say "Waiting up to $patience seconds for the session with the server."
  local deadline=$((SECONDS + patience))
  until has_session; do
    [ $SECONDS -lt $deadline ] || {
      "$program" status >&2 || true
      "$program" doctor >&2 || true
      give_up 75 "The agent runs but has no session with the server after $patience seconds; it goes on trying. What is wrong" \
        "stands above, and in its log: journalctl -u $name"
    }
    sleep 1
  done
  say "The agent runs and has its session with the server."
}

has_session() { "$program" status --json 2>/dev/null | grep -q '"online": true'; }

# What else on this machine runs restic by itself. Lines are not shown: they may hold passwords.
show_other_schedules() {
  local found
  found=$(other_timers; other_crontabs)
  [ -n "$found" ] || return 0
  say "" "Other schedules on this machine run restic too. Nothing of them was changed. Once the backups of this agent are" \
    "as you want them, disable each:" "$found"
}

# Whether standard input, a program's text, mentions restic, apart from this product.
mentions_restic() { sed -e '/^[[:space:]]*#/d' -e 's/restic-manager//g' | grep -q restic; }

other_timers() {
  has_systemd || return 0
  local timer service
  while read -r timer service; do
    case $service in "$name".service | '') continue ;; esac
    if { systemctl cat "$service" 2>/dev/null; scripts_of "$service"; } | mentions_restic; then
      say "  timer $timer, which starts $service:" "    systemctl disable --now $timer"
    fi
  done < <(systemctl list-timers --all --no-legend --plain 2>/dev/null | awk 'NF > 1 { print $(NF - 1), $NF }')
}

# The scripts that a service starts; whatever is not text matches nothing.
scripts_of() {
  local script
  while read -r script; do
    [ ! -f "$script" ] || head -c 65536 "$script" | tr -d '\0'
  done < <(systemctl cat "$1" 2>/dev/null | sed -n 's/^Exec[A-Za-z]*=[-@:+!]*\(\/[^[:space:]]*\).*/\1/p')
}

other_crontabs() {
  local file line
  for file in /etc/crontab /etc/cron.d/*; do
    [ -f "$file" ] || continue
    while read -r line; do
      say "  $file, line $line:" "    sed -i '${line}s/^/#/' '$file'"
    done < <(lines_with_restic <"$file")
  done
  for file in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/*; do
    if [ -f "$file" ] && [ -x "$file" ] && mentions_restic < <(tr -d '\0' <"$file"); then
      say "  $file:" "    chmod -x '$file'"
    fi
  done
  command -v crontab >/dev/null || return 0
  while read -r line; do
    say "  root's crontab, line $line:" "    crontab -u root -l | sed '${line}s/^/#/' | crontab -u root -"
  done < <(crontab -u root -l 2>/dev/null | lines_with_restic)
}

# The numbers of the jobs in a crontab that mention restic; a line that only sets a variable is none.
lines_with_restic() {
  sed 's/restic-manager//g' |
    awk '/^[[:space:]]*#/ || /^[[:space:]]*[A-Za-z_][A-Za-z_0-9]*[[:space:]]*=/ { next } /restic/ { print NR }'
}

remove() {
  if [ -x "$program" ] && "$program" status --json 2>/dev/null | grep -q '"job_id"'; then
    give_up 1 "A job runs on this machine, and removing the agent would leave it without an end. Wait for it or cancel it on" \
      "the server. If the agent hangs, stop it first: systemctl stop $name"
  fi
  if has_systemd && [ -f "$unit" ]; then
    systemctl disable --now "$name"
  fi
  if [ -x "$program" ]; then
    "$program" wipe --yes
  fi
  rm -rf "$unit" "$unit.d" "$settings" "$state" "$cache" "$program"
  ! has_systemd || systemctl daemon-reload
  say "The agent is removed from this machine. Its snapshots stay in the repository."
}

# On the last line, so that a download that broke off does nothing; and without the rest of the script as input.
main "$@" </dev/null
