#!/usr/bin/env bash
# Every example request of TiUniManager's API document for change feeds, and what its clients call before it (login, password,
# users, roles, clusters), with curl against a server and databases of its own. Checks each answer, and that the rows arrive.
# Needs bash 4, curl and what ./millrace needs.
#
#   docs/examples/tiunimanager.sh   prints "N passed, N failed" as the last line; the exit code is 0 only if nothing failed
set -euo pipefail

MILLRACE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/millrace
WORK=$(mktemp -d "${TMPDIR:-/tmp}/millrace-example.XXXXXX")
ANSWER=$WORK/answer
SERVER=
SERVER_PID=
HELPER=
TOKEN=none
passed=0
failed=0

clean_up() {
    if [ -n "$SERVER_PID" ]; then
        kill "$SERVER_PID" 2>/dev/null || true
        wait "$SERVER_PID" 2>/dev/null || true
    fi
    if [ -n "$HELPER" ]; then
        exec {TO_HELPER}>&- # the helper stops the databases when its input ends
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

# The helper gives us databases, and looks into JSON, so that no other program is needed for that.
start_helper() {
    "$MILLRACE" version >/dev/null # builds when needed
    mkfifo "$WORK/to" "$WORK/from"
    "$MILLRACE" example-helper target <"$WORK/to" >"$WORK/from" 2>"$WORK/helper.log" &
    HELPER=$!
    exec {TO_HELPER}>"$WORK/to" {FROM_HELPER}<"$WORK/from"
    read -r UPSTREAM TARGET <&"$FROM_HELPER" || die "the databases did not start: $(cat "$WORK/helper.log")"
    [[ $TARGET =~ ^mysql://([^:]*):([^@]*)@([^:]*):([0-9]+) ]] || die "the target has an address of another kind: $TARGET"
    TARGET_USER=${BASH_REMATCH[1]} TARGET_PASSWORD=${BASH_REMATCH[2]} TARGET_IP=${BASH_REMATCH[3]} TARGET_PORT=${BASH_REMATCH[4]}
}

start_server() {
    "$MILLRACE" server --no-connect --addr 127.0.0.1:0 --tiunimanager-addr 127.0.0.1:0 --upstream "$UPSTREAM" \
        --data-dir "$WORK/data" {TO_HELPER}>&- >"$WORK/server.log" 2>&1 &
    SERVER_PID=$!
    for _ in $(seq 600); do
        SERVER=$(sed -n 's|.*TiUniManager API at http://\([^/]*\)/api/v1.*|\1|p' "$WORK/server.log")
        CDC=$(sed -n 's|.*TiCDC API v2 at http://\([^/]*\)/api/v2.*|\1|p' "$WORK/server.log")
        PASSWORD=$(sed -n 's|.*log in as admin with the password \([^ ]*\) .*|\1|p' "$WORK/server.log")
        [ -z "$PASSWORD" ] || return 0
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    die "the server did not start: $(tail -n 20 "$WORK/server.log")"
}

# One request as the document shows it; localhost:4116 stands for our server, mytoken for our token.
example() { # expected status, expected code ("-" for an answer of another kind), curl, arguments…
    local wanted=$1 code=$2 status
    shift 2
    echo "$*"
    local arguments=("${@:2}")
    arguments=("${arguments[@]//localhost:4116/$SERVER}")
    arguments=("${arguments[@]//mytoken/$TOKEN}")
    status=$(curl -sS --max-time 60 -o "$ANSWER" -w '%{http_code}' "${arguments[@]}") || true
    if [ "$status" = "$wanted" ]; then
        pass
    else
        fail "answered $status instead of $wanted: $(head -c 500 "$ANSWER")"
    fi
    case $code in
        -) ;;
        0) has /code 0 && has /message OK ;;
        *) has /code "$code" && has /message "~(?s)\\[$code\\].*" && has /data '{}' ;;
    esac
}

ask() { # three words for the helper: pass when it says ok
    local verdict
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >&"$TO_HELPER"
    read -r verdict <&"$FROM_HELPER" || die "the helper ended: $(cat "$WORK/helper.log")"
    if [ "$verdict" = ok ]; then
        pass
    else
        fail "${2:-the answer} is '$verdict', expected '$3'"
    fi
}

has() { ask "$ANSWER" "$1" "$2"; } # JSON pointer, expected value (see ExampleHelper)

change() { ask exec "$1" ''; } # SQL for the upstream

arrives() { ask sql "$1" "$2"; } # query of the target, expected value

value() { # JSON pointer: prints the value in the last answer
    local found
    printf '%s\t%s\t=\n' "$ANSWER" "$1" >&"$TO_HELPER"
    read -r found <&"$FROM_HELPER"
    echo "$found"
}

login() { # user, password: sets the token
    example 200 0 curl -X POST $API/user/login -d "{\"userName\":\"$1\",\"userPassword\":\"$2\"}"
    has /data/token '~[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' && has /data/userId '~[2-9A-Za-z]{22}' && has /data/tenantId admin
    TOKEN=$(value /data/token)
    USER_ID=$(value /data/userId)
}

API=http://localhost:4116/api/v1
A='Authorization: Bearer mytoken'
JSON='Content-Type: application/json'
TSO='~[0-9]{18}'
MS='~[0-9]{13}'

first_steps() {
    example 200 0 curl -X GET $API/system/info
    has /data/info/state Running
    example 401 70600 curl -X GET $API/users/ -H "$A"
    example 400 70603 curl -X POST $API/user/login -d '{"userName":"admin","userPassword":"admin"}'
    login admin "$PASSWORD"
    has /data/passwordExpired true
    example 400 70615 curl -X GET "$API/changefeeds/?clusterId=default" -H "$A"
    example 200 0 curl -X POST "$API/users/$USER_ID/password" -H "$A" -d '{"password":"a better one"}'
    example 401 70600 curl -X GET $API/users/ -H "$A"
    login admin 'a better one'
    has /data/passwordExpired false
    example 200 0 curl -X GET $API/users/ -H "$A"
    has "/data/users/$USER_ID/names/0" admin

    example 200 0 curl -X GET $API/clusters/ -H "$A"
    has /data/clusters/0/clusterId default && has /data/clusters/0/status Running
    example 200 0 curl -X GET $API/clusters/default -H "$A"
    has /data/info/clusterId default && has /data/topology/0/type CDC
}

downstream() { # password
    echo "\"downstream\":{\"ip\":\"$TARGET_IP\",\"port\":$TARGET_PORT,\"username\":\"$TARGET_USER\",\"password\":\"$1\",\"concurrentThreads\":2}"
}

# The document's requests with its own words, which name nothing that there is, and then with ours.
tasks() {
    example 404 10003 curl -X GET \
        'http://localhost:4116/api/v1/changefeeds/?clusterId=%24%7BclusterID%7D&page=1&pageSize=10' \
        -H 'accept: application/json' -H "$A"
    example 200 0 curl -X GET 'http://localhost:4116/api/v1/changefeeds/?clusterId=default&page=1&pageSize=10' \
        -H 'accept: application/json' -H "$A"
    has /data '[]' && has /page '{"page":1,"pageSize":10,"total":0}'

    example 404 10003 curl -X POST http://localhost:4116/api/v1/changefeeds/ -H 'accept: application/json' -H "$A" -H "$JSON" -d '{
  "clusterId": "CLUSTER_ID_IN_TIEM__22",
  "downstream": {},
  "downstreamType": "tidb",
  "name": "my_sync_name",
  "rules": [
    "*.*"
  ],
  "startTS": "415241823337054209"
}'
    example 500 21206 curl -X POST http://localhost:4116/api/v1/changefeeds/ -H "$A" -H "$JSON" \
        -d '{"clusterId":"default","downstream":{},"downstreamType":"tidb","name":"my_sync_name","rules":["*.*"],
             "startTS":"415241823337054209"}'
    local to masked
    to=$(downstream "$TARGET_PASSWORD")
    masked=$(downstream '******')
    change 'CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(40))'
    example 200 0 curl -X POST http://localhost:4116/api/v1/changefeeds/ -H 'accept: application/json' -H "$A" -H "$JSON" \
        -d "{\"clusterId\":\"default\",$to,\"downstreamType\":\"mysql\",\"name\":\"my_sync_name\",\"rules\":[\"shop.note\"]}"
    has /data/id '~[2-9A-Za-z]{22}'
    local id
    id=$(value /data/id)
    change 'CREATE TABLE shop.note (id INT PRIMARY KEY, text VARCHAR(40))'
    change "INSERT INTO shop.note VALUES (1,'one'),(2,'two')"
    arrives 'SELECT COUNT(*) FROM shop.note' 2

    example 200 0 curl -X GET 'http://localhost:4116/api/v1/changefeeds/?clusterId=default&page=1&pageSize=10' -H "$A"
    has /page '{"page":1,"pageSize":10,"total":1}' && has /data/0/id "$id" && has /data/0/name my_sync_name
    example 400 10001 curl -X GET http://localhost:4116/api/v1/changefeeds/1212/ -H 'accept: application/json' -H "$A"
    example 200 0 curl -X GET "http://localhost:4116/api/v1/changefeeds/$id/" -H 'accept: application/json' -H "$A"
    has /data/clusterId default && has /data/downstreamType mysql && has /data/rules '["shop.note"]' && has /data/status Normal
    has /data/unsteady false && has /data/startTS 0 && has /data/startUnix 0 && has /data/createTime '~.*T.*'
    has /data/updateTime '~.*T.*' && has /data/upstreamUpdateTs "$TSO" && has /data/upstreamUpdateUnix "$MS"
    has /data/downstreamSyncTs "$TSO" && has /data/downstreamSyncUnix "$MS" && has /data/downstreamFetchTs "$TSO"
    has /data/downstreamFetchUnix "$MS" && has /data/downstream/ip "$TARGET_IP" && has /data/downstream/port "$TARGET_PORT"
    has /data/downstream/username "$TARGET_USER" && has /data/downstream/password '******'
    has /data/downstream/concurrentThreads 2
    example 200 - curl -X GET "http://$CDC/api/v2/changefeeds/$id"
    has /id "$id" && has /state normal

    example 400 10001 curl -X POST http://localhost:4116/api/v1/changefeeds/1212/pause -H 'accept: application/json' -H "$A" -d ''
    example 200 0 curl -X POST "http://localhost:4116/api/v1/changefeeds/$id/pause" -H 'accept: application/json' -H "$A" -d ''
    has /data/status Normal # the one from before
    example 200 0 curl -X GET "http://localhost:4116/api/v1/changefeeds/$id" -H "$A"
    has /data/status Stopped
    example 400 10001 curl -X POST http://localhost:4116/api/v1/changefeeds/1212/update -H "$A" -H "$JSON" -d '{
  "downstream": {},
  "downstreamType": "tidb",
  "name": "my_sync_name",
  "rules": [
    "*.*"
  ]
}'
    # The password as it was shown stands for the one that is kept.
    example 200 0 curl -X POST "http://localhost:4116/api/v1/changefeeds/$id/update" -H "$A" -H "$JSON" \
        -d "{\"name\":\"another_name\",\"downstreamType\":\"mysql\",\"rules\":[\"shop.*\"],$masked}"
    has /data/status Stopped
    example 400 10001 curl -X POST http://localhost:4116/api/v1/changefeeds/1212/resume -H 'accept: application/json' -H "$A" -d ''
    example 200 0 curl -X POST "http://localhost:4116/api/v1/changefeeds/$id/resume" -H 'accept: application/json' -H "$A" -d ''
    has /data/status Stopped
    change "INSERT INTO shop.note VALUES (3,'three')"
    arrives 'SELECT COUNT(*) FROM shop.note' 3
    example 200 0 curl -X GET "http://localhost:4116/api/v1/changefeeds/$id/" -H "$A"
    has /data/status Normal && has /data/name another_name && has /data/rules '["shop.*"]'

    example 404 21201 curl -X DELETE http://localhost:4116/api/v1/changefeeds/12121212 -H 'accept: application/json' -H "$A"
    example 200 0 curl -X DELETE "http://localhost:4116/api/v1/changefeeds/$id" -H 'accept: application/json' -H "$A"
    has /data/id "$id" && has /data/status Normal
    example 404 21201 curl -X GET "http://localhost:4116/api/v1/changefeeds/$id/" -H "$A"
    example 404 - curl -X PUT http://localhost:4116/api/v1/changefeeds/ -H "$A"
}

# A user who may only look.
people() {
    local viewer
    example 200 0 curl -X POST $API/users/ -H "$A" -d '{"name": "viewer", "tenantId": "admin", "email": "v@example.org",
  "password": "first password", "nickname": "Viewer"}'
    viewer=$(value /data/userId)
    example 200 0 curl -X POST $API/rbac/role/ -H "$A" -d '{"role": "readers"}'
    example 200 0 curl -X POST $API/rbac/permission/add -H "$A" \
        -d '{"role": "readers", "permissions": [{"resource": "CDC", "action": "READ"}]}'
    example 200 0 curl -X POST $API/rbac/role/bind -H "$A" -d "{\"userId\": \"$viewer\", \"roles\": [\"readers\"]}"
    example 200 0 curl -X GET $API/rbac/role/ -H "$A"
    has /data/Roles '["RBAC_ROLE_ADMIN","readers"]'
    example 200 0 curl -X GET "$API/audit/logs?page=1&pageSize=1" -H "$A"
    has /data/0/action 'POST /api/v1/rbac/role/bind' && has /data/0/userName admin && has /data/0/status 200
    example 200 0 curl -X POST $API/user/logout -H "$A"
    has /data/userId "$USER_ID"
    example 401 70600 curl -X GET $API/users/ -H "$A"

    login viewer 'first password'
    example 200 0 curl -X POST "$API/users/$viewer/password" -H "$A" -d '{"password":"second password"}'
    login viewer 'second password'
    example 200 0 curl -X GET "$API/changefeeds/?clusterId=default" -H "$A"
    example 403 70650 curl -X DELETE $API/changefeeds/12121212 -H "$A"
    has /message "~(?s).*check permission for user $viewer has no permisson \\[\\{Resource:CDC Action:DELETE\\}\\]"
}

start_helper
start_server
first_steps
tasks
people
if [ "$failed" -gt 0 ]; then
    echo "What the server complained about:"
    grep -E '\[(WARN|ERROR|FATAL)\]' "$WORK/server.log" | tail -n 20 || true
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
