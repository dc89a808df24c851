#!/usr/bin/env bash
# The last step: says where the reports are, and only now fails. An exit code that is not there means
# that the gate did not run to its end, which is never a pass.
set -euo pipefail

code=${GATE_EXIT_CODE:-2}
url=${ARTIFACT_URL:-}
if [[ $url =~ ^https://[A-Za-z0-9./_-]+$ ]] && [ "${OWAUDIT_SUMMARY:-true}" = true ]; then
  printf '\n[All reports of this gate, with the HTML page](%s)\n' "$url" >>"$GITHUB_STEP_SUMMARY"
fi

case $code in
  0)
    exit 0
    ;;
  3)
    if [ "${OWAUDIT_FAIL_ON_INCONCLUSIVE:-true}" = false ]; then
      printf '::warning title=owaudit::inconclusive, and the workflow lets that pass\n'
      exit 0
    fi
    exit 3
    ;;
  1)
    exit 1
    ;;
  *)
    printf '::error title=owaudit::the gate could not run to its end\n'
    exit 2
    ;;
esac
