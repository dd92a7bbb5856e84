#!/bin/sh
# Export a cohort's images once a day: filter file, export, wait. Made to be run by cron.
#
#     export DICOMFILTER_TABLE=bq://my-project.imaging.metadata
#     export DICOMFILTER_STORE=projects/my-project/locations/us/datasets/imaging/dicomStores/scans
#     export BUCKET=my-bucket
#     cohort_export.sh mr "Modality = 'MR'"
#
# The first word names the cohort, the second is a predicate. What was done today is kept in a
# folder, so that the next call goes on where this one ended: it takes up an export that still runs,
# starts none twice, and does nothing once all is done.
#
#     RUN           what is done once; today's date
#     STATE         where that is kept; ~/.local/state/cohort_export
#     TIMEOUT_S     the longest that one call waits; 3 hours
#
# Exit status, as dicomfilter's: 0 all is exported, or nothing matched; 8 it still runs, and the next
# call goes on waiting; 5 the export failed and 6 some images of it did: look, and remove the folder
# to begin anew; any other: see what it says, and the next call tries again.
set -eu

cohort=$1
predicate=$2
run=${RUN:-$(date -u +%F)}
state=${STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/cohort_export}/$cohort-$run
filter=gs://$BUCKET/filters/$cohort-$run.txt
destination=gs://$BUCKET/exports/$cohort-$run/

say() { echo "cohort_export $cohort $run: $*" >&2; }

mkdir -p "$state"
exec 9>"$state/lock"
flock -n 9 || { say 'another call is at work'; exit 8; }
[ ! -e "$state/done" ] || { say 'done before'; exit 0; }

# The filter is built once, so that what is exported is what was selected at the start of the run.
if [ ! -s "$state/filter" ]; then
    status=0
    dicomfilter build --where "$predicate" -o "$filter" --overwrite \
        --manifest "$state/manifest.json" --quiet >"$state/filter" || status=$?
    if [ "$status" -eq 3 ]; then
        say 'nothing matched, nothing to export'
        touch "$state/done"
        exit 0
    fi
    [ "$status" -eq 0 ] || exit "$status"
fi

# The operation's name is in the file before anything is waited for. Where it found no room there, or
# the start was never answered, the same command takes up what was started: none is started twice.
status=0
if [ ! -s "$state/operation" ]; then
    dicomfilter export gcs --filter "$filter" --manifest "$state/manifest.json" \
        --gcs-uri-prefix "$destination" --timeout-s "${TIMEOUT_S:-10800}" --retry-start \
        --quiet >"$state/operation" || status=$?
else
    read -r operation <"$state/operation"
    dicomfilter operations wait "$operation" --timeout-s "${TIMEOUT_S:-10800}" --quiet >/dev/null ||
        status=$?
fi
case $status in
0) touch "$state/done"; say "exported to $destination" ;;
8) say "still running: $(cat "$state/operation")" ;;
5 | 6) say "look at $(cat "$state/operation")" ;;
4) rm -f "$state/operation" ;; # whose it is, or whether there is one, is for the next call
esac
exit "$status"
