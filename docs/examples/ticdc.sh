#!/usr/bin/env bash
# Every example request of TiCDC's API documents, v2 and v1, in the order in which a user would send them, with curl
# against a server and an upstream database of its own. Checks each answer. Needs bash 4, curl and what ./millrace needs.
#
#   docs/examples/ticdc.sh          prints "N passed, N failed" as the last line; the exit code is 0 only if nothing failed
set -euo pipefail

MILLRACE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/millrace
WORK=$(mktemp -d "${TMPDIR:-/tmp}/millrace-example.XXXXXX")
ANSWER=$WORK/answer
SERVER=
SERVER_PID=
HELPER=
passed=0
failed=0

clean_up() {
    if [ -n "$SERVER_PID" ]; then
        kill "$SERVER_PID" 2>/dev/null || true
        wait "$SERVER_PID" 2>/dev/null || true
    fi
    if [ -n "$HELPER" ]; then
        exec {TO_HELPER}>&- # the helper stops the database when its input ends
        wait "$HELPER" 2>/dev/null || true
    fi
    rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

die() {
    echo "$*" >&2
    exit 1
}

pass() { passed=$((passed + 1)); }

fail() {
    failed=$((failed + 1))
    echo "  FAILED: $*"
}

# The helper gives us a database, and looks into JSON, so that no other program is needed for that.
start_helper() {
    "$MILLRACE" version >/dev/null # builds when needed
    mkfifo "$WORK/to" "$WORK/from"
    "$MILLRACE" example-helper <"$WORK/to" >"$WORK/from" 2>"$WORK/helper.log" &
    HELPER=$!
    exec {TO_HELPER}>"$WORK/to" {FROM_HELPER}<"$WORK/from"
    read -r UPSTREAM <&"$FROM_HELPER" || die "the upstream did not start: $(cat "$WORK/helper.log")"
}

start_server() {
    "$MILLRACE" server --no-connect --no-tiunimanager --addr 127.0.0.1:0 --upstream "$UPSTREAM" --data-dir "$WORK/data" {TO_HELPER}>&- \
        >"$WORK/server.log" 2>&1 &
    SERVER_PID=$!
    for _ in $(seq 600); do
        SERVER=$(sed -n 's|.*API v2 at http://\([^/]*\)/api/v2.*|\1|p' "$WORK/server.log")
        [ -z "$SERVER" ] || return 0
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    die "the server did not start: $(tail -n 20 "$WORK/server.log")"
}

# One request as the documents show it; 127.0.0.1:8300 stands for our server, {capture} for our node.
example() { # expected status, curl, arguments…
    local wanted=$1 status
    shift
    echo "$*"
    local arguments=("${@:2}")
    arguments=("${arguments[@]//127.0.0.1:8300/$SERVER}")
    arguments=("${arguments[@]//\{capture\}/${CAPTURE:-}}")
    status=$(curl -sS --max-time 60 -o "$ANSWER" -w '%{http_code}' "${arguments[@]}") || true
    if [ "$status" = "$wanted" ]; then
        pass
    else
        fail "answered $status instead of $wanted: $(head -c 500 "$ANSWER")"
    fi
}

has() { # JSON pointer, expected value (see ExampleHelper)
    local verdict
    printf '%s\t%s\t%s\n' "$ANSWER" "$1" "$2" >&"$TO_HELPER"
    read -r verdict <&"$FROM_HELPER" || die "the helper ended: $(cat "$WORK/helper.log")"
    if [ "$verdict" = ok ]; then
        pass
    else
        fail "${1:-the answer} is '$verdict', expected '$2'"
    fi
}

value() { # JSON pointer: prints the value in the last answer
    local found
    printf '%s\t%s\t=\n' "$ANSWER" "$1" >&"$TO_HELPER"
    read -r found <&"$FROM_HELPER"
    echo "$found"
}

is_empty() {
    if [ -s "$ANSWER" ]; then fail "the answer is not empty: $(head -c 500 "$ANSWER")"; else pass; fi
}

await() { # changefeed, JSON pointer, value: pausing and starting need a moment
    local verdict
    for _ in $(seq 600); do
        curl -sS --max-time 60 -o "$ANSWER" "http://$SERVER/api/v2/changefeeds/$1" || true
        printf '%s\t%s\t%s\n' "$ANSWER" "$2" "$3" >&"$TO_HELPER"
        read -r verdict <&"$FROM_HELPER"
        if [ "$verdict" = ok ]; then
            pass
            return 0
        fi
        sleep 0.1
    done
    fail "changefeed $1: $2 is '$verdict' after a minute, expected '$3'"
}

# The same with another request: under load a run may just be starting anew.
await_answer() { # path, JSON pointer, expected value
    local verdict=
    for _ in $(seq 600); do
        curl -sS --max-time 60 -o "$ANSWER" "http://$SERVER$1" || true
        printf '%s\t%s\t%s\n' "$ANSWER" "$2" "$3" >&"$TO_HELPER"
        read -r verdict <&"$FROM_HELPER"
        [ "$verdict" != ok ] || break
        sleep 0.1
    done
}

TSO='~[0-9]{18}'
TIME='~[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}'
UUID='~[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
HEADER="'Content-type':'application/json'" # as the documents have it

v2() {
    local api=http://127.0.0.1:8300/api/v2
    example 200 curl -X GET $api/status
    has /version '~v.+' && has /git_hash '*' && has /id "$UUID" && has /pid '~[0-9]+'
    has /is_owner true && has /liveness 0
    CAPTURE=$(value /id)
    example 200 curl -X GET $api/health
    has '' '{}'

    example 200 curl -X POST -H "$HEADER" $api/changefeeds -d '{"changefeed_id":"test5","sink_uri":"blackhole://"}'
    has /id test5 && has /state normal && has /sink_uri blackhole:// && has /checkpoint_ts "$TSO"
    has /resolved_ts "$(value /checkpoint_ts)" && has /start_ts "$(value /checkpoint_ts)"
    has /checkpoint_time "$TIME" && has /create_time '~.*T.*' && has /target_ts - && has /error -
    has /config/mounter/worker_num 16 && has /config/case_sensitive true && has /config/filter/rules '["*.*"]'
    has /config/sync_point_interval 600000000000 && has /config/sink/date_separator none
    example 500 curl -X POST -H "$HEADER" $api/changefeeds -d '{"changefeed_id":"test5","sink_uri":"blackhole://"}'
    has /error_code CDC:ErrChangeFeedAlreadyExists && has /error_msg '~.+'
    example 200 curl -X POST -H "$HEADER" $api/changefeeds -d '{"changefeed_id":"test1","sink_uri":"blackhole://"}'

    example 200 curl -X GET "$api/changefeeds?state=normal"
    has /total 2 && has /items/0/id test1 && has /items/1/id test5 && has /items/0/state normal
    has /items/0/checkpoint_tso "$TSO" && has /items/0/checkpoint_time "$TIME" && has /items/0/error null
    example 200 curl -X GET $api/changefeeds/test1
    has /id test1 && has /state normal && has /checkpoint_ts "$TSO"
    await test1 /task_status/0/table_ids '~\[[0-9]+\]'
    has /task_status/0/capture_id "$CAPTURE"

    example 200 curl -X GET $api/processors
    has /total 2 && has /items/0/changefeed_id '~test[15]' && has /items/0/capture_id "$CAPTURE"
    await_answer "/api/v2/processors/test1/$CAPTURE" /table_ids '~\[[0-9]+\]'
    example 200 curl -X GET $api/processors/test1/{capture}
    has /table_ids '~\[[0-9]+\]'
    example 200 curl -X GET $api/captures
    has /total 1 && has /items/0/id "$CAPTURE" && has /items/0/is_owner true && has /items/0/address "$SERVER"

    example 400 curl -X PUT -H "$HEADER" $api/changefeeds/test1 -d '{"target_ts":32}'
    has /error_code CDC:ErrChangefeedUpdateRefused # it runs
    example 200 curl -X POST $api/changefeeds/test1/pause
    has '' '{}'
    await test1 /state stopped
    # The document's own number lies before the start of any changefeed of today.
    example 400 curl -X PUT -H "$HEADER" $api/changefeeds/test1 -d '{"target_ts":32}'
    has /error_msg '~.*less than start_ts.*'
    example 200 curl -X PUT -H "$HEADER" $api/changefeeds/test1 -d '{"target_ts":9000000000000000000}'
    has /target_ts 9000000000000000000 && has /state stopped
    example 200 curl -X POST $api/changefeeds/test1/resume -d '{}'
    has '' '{}'
    await test1 /state normal

    example 200 curl -X POST $api/owner/resign
    has '' '{}'
    example 200 curl -X POST -H "$HEADER" $api/log -d '{"log_level":"debug"}'
    has '' '{}'
    example 200 curl -X POST -H "$HEADER" $api/log -d '{"log_level":"info"}'
    example 200 curl -X DELETE $api/changefeeds/test1
    has '' '{}'
    example 400 curl -X GET $api/changefeeds/test1
    has /error_code CDC:ErrChangeFeedNotExists
    example 200 curl -X DELETE $api/changefeeds/test5
    example 200 curl -X GET "$api/changefeeds?state=all"
    has '' '{"total":0,"items":[]}'
}

v1() {
    local api=http://127.0.0.1:8300/api/v1
    example 200 curl -X GET $api/status
    has /version '~v.+' && has /git_hash '*' && has /id "$UUID" && has /pid '~[0-9]+' && has /is_owner true
    example 200 curl -X GET $api/health
    is_empty

    example 202 curl -X POST -H "$HEADER" $api/changefeeds -d '{"changefeed_id":"test5","sink_uri":"blackhole://"}'
    is_empty
    example 202 curl -X POST -H "$HEADER" $api/changefeeds -d '{"changefeed_id":"test1","sink_uri":"blackhole://"}'
    example 202 curl -X POST -H "$HEADER" $api/changefeeds \
        -d '{"changefeed_id":"changefeed-test1","sink_uri":"blackhole://"}'
    example 200 curl -X GET "$api/changefeeds?state=normal"
    has /0/id changefeed-test1 && has /1/id test1 && has /2/id test5 && has /1/state normal
    has /1/checkpoint_tso "$TSO" && has /1/checkpoint_time "$TIME" && has /1/error null
    await test1 /task_status/0/table_ids '~\[[0-9]+\]'
    example 200 curl -X GET $api/changefeeds/test1
    has /id test1 && has /sink_uri blackhole:// && has /create_time "$TIME" && has /start_ts "$TSO"
    has /resolved_ts "$TSO" && has /target_ts 0 && has /checkpoint_tso "$TSO" && has /checkpoint_time "$TIME"
    has /sort_engine unified && has /state normal && has /error null && has /error_history null
    has /creator_version '~v.+' && has /task_status/0/capture_id "$CAPTURE" && has /task_status/0/table_ids '~\[[0-9]+\]'

    example 200 curl -X GET $api/processors
    has /0/changefeed_id '~.*test[15]' && has /0/capture_id "$CAPTURE"
    await_answer "/api/v2/processors/test1/$CAPTURE" /table_ids '~\[[0-9]+\]'
    example 200 curl -X GET $api/processors/test1/{capture}
    has /checkpoint_ts "$TSO" && has /resolved_ts "$TSO" && has /table_ids '~\[[0-9]+\]' && has /error null
    example 200 curl -X GET $api/captures
    has /0/id "$CAPTURE" && has /0/is_owner true && has /0/address "$SERVER"

    example 202 curl -X POST $api/changefeeds/test1/tables/rebalance_table
    is_empty
    example 202 curl -X POST -H "$HEADER" $api/changefeeds/changefeed-test1/tables/move_table \
        -d '{"capture_id":"6f19a6d9-0f8c-4dc9-b299-3ba7c0f216f5","table_id":49}'
    is_empty

    example 202 curl -X POST $api/changefeeds/test1/pause
    is_empty
    await test1 /state stopped
    example 202 curl -X PUT -H "$HEADER" $api/changefeeds/test1 -d '{"mounter_worker_num":32}'
    is_empty
    await test1 /config/mounter/worker_num 32
    example 202 curl -X POST $api/changefeeds/test1/resume
    is_empty
    await test1 /state normal

    example 202 curl -X POST $api/owner/resign
    is_empty
    example 200 curl -X POST -H "$HEADER" $api/log -d '{"log_level":"debug"}'
    is_empty
    example 200 curl -X POST -H "$HEADER" $api/log -d '{"log_level":"info"}'
    example 202 curl -X DELETE $api/changefeeds/test1
    is_empty
    example 400 curl -X DELETE $api/changefeeds/test1
    has /error_code CDC:ErrChangeFeedNotExists
    example 202 curl -X DELETE $api/changefeeds/test5
    example 202 curl -X DELETE $api/changefeeds/changefeed-test1
    example 200 curl -X GET "$api/changefeeds?state=all"
    has '' '[]'
}

# TiCDC's other commands, as the launcher finds them: each is told from the rest by what it says.
commands() {
    for words in "cdc cli changefeed list --server http://$SERVER:[]" "cdc redo meta --storage file://$WORK/none:millrace redo" \
        "cdc redo apply --help:--tmp-dir" "cdc server --help:--advertise-addr" "cdc version:Release Version"; do
        # shellcheck disable=SC2086 # words are words
        said=$("$MILLRACE" ${words%:*} 2>&1 </dev/null || true)
        if [[ $said == *"${words##*:}"* ]]; then pass; else fail "./millrace ${words%:*} said: $said"; fi
    done
}

start_helper
start_server
v2
v1
commands
if [ "$failed" -gt 0 ]; then
    echo "What the server complained about:"
    grep -E '\[(WARN|ERROR|FATAL)\]' "$WORK/server.log" | tail -n 20 || true
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
