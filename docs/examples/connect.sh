#!/usr/bin/env bash
# Every operation of Kafka Connect's API, with curl and the real Debezium connectors for MySQL, MariaDB and PostgreSQL, against
# servers of its own: snapshot, streaming, the records in Kafka, a sink into another database, and a plug-in of one's own. Those
# for MongoDB and SQL Server find no server, and say so. Checks each answer. Needs bash 4, curl and what ./millrace needs.
#
#   docs/examples/connect.sh        prints "N passed, N failed" as the last line; the exit code is 0 only if nothing failed
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HOME_DIR=$(cd "$HERE/../.." && pwd)
MILLRACE=$HOME_DIR/millrace
WORK=$(mktemp -d "${TMPDIR:-/tmp}/millrace-connect.XXXXXX")
ANSWER=$WORK/answer
HEADERS=$WORK/headers
JSON='Content-Type: application/json'
SERVER_PID=
HELPER=
passed=0
failed=0
PATIENCE=60 # seconds that a state may take, on a busy machine

clean_up() {
    trap '' INT TERM # a second signal must not break this off
    if [ -n "$SERVER_PID" ]; then
        kill "$SERVER_PID" 2>/dev/null || true
        wait "$SERVER_PID" 2>/dev/null || true
    fi
    if [ -n "$HELPER" ]; then
        [ -z "${TO_HELPER:-}" ] || exec {TO_HELPER}>&- # the helper stops the databases when its input ends
        [ -n "${MYSQL:-}" ] || kill "$HELPER" 2>/dev/null || true # it is still starting them, or building
        wait "$HELPER" 2>/dev/null || true
    fi
    rm -rf "$WORK"
}
trap clean_up EXIT
trap '' PIPE # a helper that has ended is an error that is told
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

# --- the helper: databases, an eye for JSON, a reader of topics (see ConnectHelper) ----------------

ask() { # field, …: prints the helper's answer
    local IFS=$'\t' line
    printf '%s\n' "$*" >&"$TO_HELPER" || die "the helper ended: $(cat "$WORK/helper.log")"
    read -r line <&"$FROM_HELPER" || die "the helper ended: $(cat "$WORK/helper.log")"
    printf '%s' "$line"
}

sql() { # server, statement
    local told
    told=$(ask sql "$1" "$2")
    [ "$told" = ok ] || die "$1 refuses '$2': $told"
}

start() {
    "$MILLRACE" version >/dev/null # builds when needed
    "$MILLRACE" plugins fetch
    "$MILLRACE" plugins add jdbc --to "$WORK/plugins"
    mkfifo "$WORK/to" "$WORK/from"
    "$MILLRACE" example-helper connect <"$WORK/to" >"$WORK/from" 2>"$WORK/helper.log" &
    HELPER=$!
    exec {TO_HELPER}>"$WORK/to" {FROM_HELPER}<"$WORK/from"
    read -r REST KAFKA <&"$FROM_HELPER" || die "the helper did not start: $(cat "$WORK/helper.log")"
    API=http://127.0.0.1:$REST
    read -r MYSQL MARIADB POSTGRES <&"$FROM_HELPER" || die "the databases did not start: $(cat "$WORK/helper.log")"
    mkdir -p "$WORK/plugins/example"
    [ "$(ask plugin "$HERE/plugin" "$WORK/plugins/example")" = ok ] || die "the example plug-in does not compile: $(cat "$WORK/helper.log")"

    cat >"$WORK/millrace.toml" <<TOML
addr = "127.0.0.1:0"
data-dir = "$WORK/data"
[tiunimanager]
enabled = false
[connect]
addr = "127.0.0.1:$REST"
kafka-port = $KAFKA
plugin-path = "$HOME_DIR/.millrace/plugins,$WORK/plugins"
[connect.worker]
"offset.flush.interval.ms" = 500
TOML
    "$MILLRACE" server --config "$WORK/millrace.toml" {TO_HELPER}>&- >"$WORK/server.log" 2>&1 &
    SERVER_PID=$!
    local status seen=0
    for _ in $(seq 1200); do
        status=$(curl -s --max-time 20 -o "$ANSWER" -w '%{http_code}' "$API/") || true
        case $status in
            200)
                pass
                return 0
                ;;
            503) # before it is ready: an error in Connect's shape
                [ "$seen" = 1 ] || has /error_code 503
                seen=1
                ;;
            000) ;;
            *) fail "while starting it answered $status: $(head -c 300 "$ANSWER")" ;;
        esac
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    die "the server did not start: $(tail -n 20 "$WORK/server.log")"
}

# --- requests and checks ---------------------------------------------------------------------------

# One request as a user writes it, with 8083 standing for our port.
example() { # expected status, curl, arguments…
    local wanted=$1 status
    shift
    local shown=$*
    shown=${shown%%$'\n'*}
    printf '%s\n' "${shown:0:160}"
    local arguments=("${@:2}")
    arguments=("${arguments[@]//127.0.0.1:8083/127.0.0.1:$REST}")
    status=$(curl -sS --max-time 90 -D "$HEADERS" -o "$ANSWER" -w '%{http_code}' "${arguments[@]}") || true
    if [ "$status" = "$wanted" ]; then
        pass
    else
        fail "answered $status instead of $wanted: $(head -c 500 "$ANSWER")"
    fi
}

has() { # JSON pointer, expected value (see ExampleHelper)
    local verdict
    verdict=$(ask check "$ANSWER" "$1" "$2")
    if [ "$verdict" = ok ]; then pass; else fail "${1:-the answer} is '${verdict:0:400}', expected '$2'"; fi
}

is_empty() {
    if [ -s "$ANSWER" ]; then fail "the answer is not empty: $(head -c 500 "$ANSWER")"; else pass; fi
}

mentions() { # text in the last answer
    if grep -qF -- "$1" "$ANSWER"; then pass; else fail "the answer lacks '$1': $(head -c 500 "$ANSWER")"; fi
}

located() { # path in the header Location of the last answer
    if grep -qi "^Location: .*$1.\?\$" "$HEADERS"; then pass; else fail "Location is not $1: $(grep -i '^location' "$HEADERS")"; fi
}

await() { # path, JSON pointer, expected value: states change moments after the request
    local verdict= deadline=$((SECONDS + PATIENCE))
    while [ $SECONDS -lt $deadline ]; do
        curl -sS --max-time 60 -o "$ANSWER" "$API$1" || true
        verdict=$(ask check "$ANSWER" "$2" "$3")
        if [ "$verdict" = ok ]; then
            pass
            return 0
        fi
        sleep 0.1
    done
    PATIENCE=5 # one failure brings others; they need not take long
    fail "$1: $2 is '$verdict', expected '$3': $(head -c 1500 "$ANSWER")"
}

await_sql() { # server, query, expected rows
    local rows=
    for _ in $(seq 600); do
        rows=$(ask sql "$1" "$2")
        if [ "$rows" = "$3" ]; then
            pass
            return 0
        fi
        sleep 0.1
    done
    fail "$1: '$2' gives '$rows', expected '$3'"
}

consume() { # topic, number of records: they are the last answer then
    local told
    told=$(ask consume "127.0.0.1:$KAFKA" "$1" "$2" "$ANSWER")
    if [ "$told" = ok ]; then pass; else fail "topic $1 has $told, expected $2"; fi
}

running() { # connector, number of tasks
    await "/connectors/$1/status" /connector/state RUNNING
    await "/connectors/$1/status" /tasks/0/state RUNNING
}

source_config() { # class, port, user, prefix
    printf '"connector.class":"%s","tasks.max":"1","database.hostname":"127.0.0.1","database.port":"%s",' "$1" "$2"
    printf '"database.user":"%s","database.password":"millrace","topic.prefix":"%s"' "$3" "$4"
}

history() { # name
    printf '"schema.history.internal.kafka.bootstrap.servers":"127.0.0.1:%s","schema.history.internal.kafka.topic":"%s-history"' \
        "$KAFKA" "$1"
}

MYSQL_CLASS=io.debezium.connector.mysql.MySqlConnector
MARIADB_CLASS=io.debezium.connector.mariadb.MariaDbConnector
POSTGRES_CLASS=io.debezium.connector.postgresql.PostgresConnector
MONGODB_CLASS=io.debezium.connector.mongodb.MongoDbConnector
SQLSERVER_CLASS=io.debezium.connector.sqlserver.SqlServerConnector
AT=http://127.0.0.1:8083

configs() {
    MYSQL_CONFIG="$(source_config $MYSQL_CLASS "$MYSQL" root my),\"database.server.id\":\"5401\",\"snapshot.mode\":\"initial\",
        \"table.include.list\":\"shop.item\",$(history my)"
    MARIADB_CONFIG="$(source_config $MARIADB_CLASS "$MARIADB" root maria),\"database.server.id\":\"5402\",
        \"table.include.list\":\"shop.item\",$(history maria)"
    POSTGRES_CONFIG="$(source_config $POSTGRES_CLASS "$POSTGRES" postgres pg),\"database.dbname\":\"shop\",\"plugin.name\":\"pgoutput\",
        \"table.include.list\":\"public.item\""
}

tables() {
    local server
    for server in mysql mariadb postgres; do
        sql $server 'CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(8,2))'
        sql $server "INSERT INTO item VALUES (1,'one',1.50),(2,'two',2.50)"
        sql $server 'CREATE TABLE other (id INT PRIMARY KEY)' # on no connector's list
        sql $server 'INSERT INTO other VALUES (1)'
    done
    sql postgres 'ALTER TABLE item REPLICA IDENTITY FULL'
}

# --- the operations --------------------------------------------------------------------------------

cluster() {
    example 200 curl $AT/
    has /version 4.3.1 && has /commit '~[0-9a-f]{16}' && has /kafka_cluster_id '~.{22}'
    example 200 curl $AT/health
    has /status healthy && has /message '*'
    example 200 curl $AT/connectors
    has '' '[]'
}

plugins() {
    example 200 curl $AT/connector-plugins
    local class
    for class in $MYSQL_CLASS $MARIADB_CLASS $POSTGRES_CLASS $MONGODB_CLASS $SQLSERVER_CLASS \
        io.debezium.connector.jdbc.JdbcSinkConnector example.LinesSink; do
        mentions "\"class\":\"$class\""
    done
    has /0/class '*' && has /0/type '~source|sink' && has /0/version '*'
    example 200 curl "$AT/connector-plugins?connectorsOnly=false"
    mentions '"class":"example.Mark"' && mentions '"class":"example.Shout"' && mentions '"class":"example.IsTombstone"'
    example 200 curl $AT/connector-plugins/MySqlConnector/config
    mentions '"name":"database.hostname"' && has /0/type '*' && has /0/required '*' && has /0/documentation '*'
    example 200 curl $AT/connector-plugins/example.Mark/config
    has /0/name text
    example 404 curl $AT/connector-plugins/Nothing/config
    has /message '~Unknown plugin Nothing.*'

    example 200 curl -X PUT -H "$JSON" $AT/connector-plugins/MySqlConnector/config/validate -d "{\"name\":\"v\",$MYSQL_CONFIG}"
    has /name $MYSQL_CLASS && has /error_count 0 && has /groups/0 Common
    has /configs/0/definition/name name && has /configs/0/value/name name && has /configs/0/value/errors '[]'
    example 200 curl -X PUT -H "$JSON" $AT/connector-plugins/MariaDbConnector/config/validate -d "{\"name\":\"v\",$MARIADB_CONFIG}"
    has /name $MARIADB_CLASS && has /error_count 0
    example 200 curl -X PUT -H "$JSON" $AT/connector-plugins/PostgresConnector/config/validate -d "{\"name\":\"v\",$POSTGRES_CONFIG}"
    has /name $POSTGRES_CLASS && has /error_count 0
    example 200 curl -X PUT -H "$JSON" $AT/connector-plugins/MySqlConnector/config/validate \
        -d "{\"name\":\"v\",${MYSQL_CONFIG/millrace/wrong}}"
    has /error_count 1 && mentions 'Unable to connect: Access denied for user'
    example 404 curl -X PUT -H "$JSON" $AT/connector-plugins/Nothing/config/validate -d '{}'
    example 400 curl -X PUT -H "$JSON" $AT/connector-plugins/MySqlConnector/config/validate -d '{'
}

create() {
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"my\",\"config\":{$MYSQL_CONFIG}}"
    located /connectors/my
    has /name my && has /config/connector.class $MYSQL_CLASS && has /config/name my && has /tasks '*' && has /type source
    example 201 curl -X PUT -H "$JSON" $AT/connectors/maria/config -d "{$MARIADB_CONFIG}"
    located /connectors/maria
    has /name maria && has /config/database.port "$MARIADB"
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"pg\",\"initial_state\":\"PAUSED\",\"config\":{$POSTGRES_CONFIG}}"
    await /connectors/pg/status /connector/state PAUSED
    example 202 curl -X PUT $AT/connectors/pg/resume
    is_empty
    example 409 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"my\",\"config\":{$MYSQL_CONFIG}}"
    has /error_code 409 && has /message 'Connector my already exists'
    example 400 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"bad\",\"config\":{\"connector.class\":\"$MYSQL_CLASS\"}}"
    has /error_code 400 && has /message '~(?s).*contains the following 4 error.*'
    example 400 curl -X POST -H "$JSON" $AT/connectors -d '{"name":'
    has /error_code 400
    example 415 curl -X POST -H 'Content-Type: text/plain' $AT/connectors -d '{}'
    local name
    for name in my maria pg; do running $name; done
}

# Decimals come as the two's complement of 150 and 250: AJY= and APo=
records() { # topic
    consume "$1" 2
    has /0/key '{"id":1}' && has /0/value/op r && has /0/value/after/name one && has /0/value/after/price AJY=
    has /1/key '{"id":2}' && has /1/value/op r && has /1/value/after/name two && has /1/value/after/price APo=
    has /0/value/before null && has /0/value/source/snapshot '~first.*|true'
    sql "$2" "INSERT INTO item VALUES (3,'drei',1.50)"
    sql "$2" "UPDATE item SET name='zwei' WHERE id=2"
    sql "$2" 'DELETE FROM item WHERE id=1'
    consume "$1" 6
    has /2/value/op c && has /2/value/after '{"id":3,"name":"drei","price":"AJY="}' && has /2/value/source/snapshot false
    has /3/value/op u && has /3/value/before/name two && has /3/value/after/name zwei && has /3/value/source/table item
    has /4/value/op d && has /4/key '{"id":1}' && has /4/value/before/name one && has /4/value/after null
    has /5/key '{"id":1}' && has /5/value null
}

show() {
    example 200 curl $AT/connectors
    has '' '~.*"my".*' && has '' '~.*"maria".*' && has '' '~.*"pg".*' && has /2 '*' && has /3 -
    example 200 curl "$AT/connectors?expand=status"
    has /pg/status/connector/state RUNNING && has /pg/info -
    example 200 curl "$AT/connectors?expand=info"
    has /my/info/config/topic.prefix my && has /my/status -
    example 200 curl "$AT/connectors?expand=status&expand=info"
    has /maria/info/type source && has /maria/status/type source
    example 200 curl $AT/connectors/my
    has /name my && has /type source && has /tasks '[{"connector":"my","task":0}]'
    local key
    for key in connector.class database.hostname database.port database.user database.password topic.prefix table.include.list \
        snapshot.mode schema.history.internal.kafka.bootstrap.servers schema.history.internal.kafka.topic; do
        has "/config/$key" '~.+'
    done
    example 200 curl $AT/connectors/pg/config
    has /database.dbname shop && has /name pg
    example 200 curl $AT/connectors/my/status
    has /name my && has /type source && has /connector/state RUNNING && has /connector/worker_id "127.0.0.1:$REST"
    has /connector/version 3.6.1.Final && has /tasks/0/id 0 && has /tasks/0/state RUNNING
    has /tasks/0/worker_id "127.0.0.1:$REST" && has /tasks/0/trace -
    example 200 curl $AT/connectors/pg/tasks
    has /0/id/connector pg && has /0/id/task 0 && has /0/config/task.class io.debezium.connector.postgresql.PostgresConnectorTask
    example 200 curl $AT/connectors/maria/tasks/0/status
    has /id 0 && has /state RUNNING && has /worker_id "127.0.0.1:$REST" && has /trace -
    example 200 curl $AT/connectors/my/topics
    has /my/topics '~(?!.*other).*"my\.shop\.item".*'
    await /connectors/my/offsets /offsets/0/partition/server my
    example 200 curl $AT/connectors/my/offsets
    has /offsets/0/offset/file '~binlog.*' && has /offsets/0/offset/pos '~[0-9]+'
    await /connectors/pg/offsets /offsets/0/partition/server pg
    has /offsets/0/offset/lsn '~[0-9]+'

    local path
    for path in '' /config /status /tasks /offsets /tasks/0/status; do
        example 404 curl "$AT/connectors/nothing$path"
        has /error_code 404 && has /message '~.+'
    done
    example 404 curl $AT/connectors/my/tasks/9/status
    example 404 curl $AT/nothing
    example 405 curl -X DELETE $AT/connectors
    example 406 curl -H 'Accept: text/xml' $AT/connectors
}

change() {
    example 200 curl -X PUT -H "$JSON" $AT/connectors/maria/config -d "{$MARIADB_CONFIG,\"max.batch.size\":\"512\"}"
    has /name maria && has /config/max.batch.size 512
    example 200 curl -X PATCH -H "$JSON" $AT/connectors/maria/config -d '{"max.batch.size":null,"poll.interval.ms":"100"}'
    has /config/max.batch.size - && has /config/poll.interval.ms 100
    example 400 curl -X PUT -H "$JSON" $AT/connectors/maria/config -d '{}'
    example 404 curl -X PATCH -H "$JSON" $AT/connectors/nothing/config -d '{"a":"b"}'
    running maria
}

steer() {
    example 202 curl -X PUT $AT/connectors/pg/pause
    is_empty
    await /connectors/pg/status /connector/state PAUSED
    await /connectors/pg/status /tasks/0/state PAUSED
    sql postgres "INSERT INTO item VALUES (4,'paused',1.50)"
    example 202 curl -X PUT $AT/connectors/pg/resume
    is_empty
    running pg
    consume pg.public.item 7
    has /6/value/after/name paused

    example 204 curl -X POST $AT/connectors/my/restart
    is_empty
    example 202 curl -X POST "$AT/connectors/my/restart?includeTasks=true&onlyFailed=false"
    has /name my && has /connector/state RESTARTING && has /tasks/0/state RESTARTING
    running my
    example 202 curl -X POST "$AT/connectors/my/restart?onlyFailed=true"
    has /connector/state RUNNING
    example 204 curl -X POST $AT/connectors/my/tasks/0/restart
    is_empty
    running my
    sql mysql "INSERT INTO item VALUES (4,'restarted',1.50)"
    consume my.shop.item 7
    has /6/value/after/name restarted
    example 404 curl -X POST $AT/connectors/my/tasks/9/restart
    has /message 'Unknown task: my-9'
    local action
    for action in pause resume stop; do example 404 curl -X PUT $AT/connectors/nothing/$action; done
    example 404 curl -X POST $AT/connectors/nothing/restart
    example 202 curl -X PUT $AT/connectors/my/topics/reset
    await /connectors/my/topics /my/topics '[]'
}

offsets() {
    example 400 curl -X DELETE $AT/connectors/maria/offsets
    has /message '~.*STOPPED.*'
    example 400 curl -X PATCH -H "$JSON" $AT/connectors/maria/offsets -d '{"offsets":[{"partition":{"server":"maria"},"offset":null}]}'
    await /connectors/maria/offsets /offsets/0/partition/server maria
    cp "$ANSWER" "$WORK/maria-offsets"
    example 204 curl -X PUT $AT/connectors/maria/stop
    is_empty
    await /connectors/maria/status /connector/state STOPPED
    await /connectors/maria/status /tasks '[]'
    example 200 curl -X PATCH -H "$JSON" $AT/connectors/maria/offsets -d "@$WORK/maria-offsets"
    has /message '~.*altered successfully.*'
    example 200 curl -X DELETE $AT/connectors/maria/offsets
    has /message '~.*reset successfully.*'
    example 200 curl $AT/connectors/maria/offsets
    has /offsets '[]'
    # Without offsets it begins anew: the two rows of the snapshot come again.
    example 202 curl -X PUT $AT/connectors/maria/resume
    running maria
    consume maria.shop.item 8
    has /6/value/op r && has /7/value/op r
}

loggers() {
    example 200 curl $AT/admin/loggers
    has /root/level '*'
    example 200 curl -X PUT -H "$JSON" $AT/admin/loggers/io.debezium -d '{"level":"ERROR"}'
    has '' '~.*"io.debezium.*'
    example 200 curl $AT/admin/loggers/io.debezium
    has /level ERROR && has /last_modified '~[0-9]+'
    example 204 curl -X PUT -H "$JSON" "$AT/admin/loggers/io.debezium?scope=cluster" -d '{"level":"WARN"}'
    await /admin/loggers/io.debezium /level WARN
    example 404 curl $AT/admin/loggers/nothing.of.this.name
}

# A folder dropped into plugin-path: transformation, predicate, converter and sink connector of one's own.
own_plugins() {
    sql mysql 'CREATE TABLE note (id INT PRIMARY KEY, text VARCHAR(40))'
    sql mysql "INSERT INTO note VALUES (1,'hello')"
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"own\",\"config\":{
        $(source_config $MYSQL_CLASS "$MYSQL" root own),\"database.server.id\":\"5403\",\"table.include.list\":\"shop.note\",$(history own),
        \"value.converter\":\"example.Shout\",\"transforms\":\"mark\",\"transforms.mark.type\":\"example.Mark\",
        \"transforms.mark.text\":\"mine\",\"transforms.mark.predicate\":\"gone\",\"transforms.mark.negate\":\"true\",
        \"predicates\":\"gone\",\"predicates.gone.type\":\"example.IsTombstone\"}}"
    running own
    consume own.shop.note 1
    has /0/headers/mark mine && has /0/value '~.*TEXT=HELLO.*'
    sql mysql 'DELETE FROM note WHERE id=1'
    consume own.shop.note 3
    has /1/headers/mark mine && has /2/value null && has /2/headers/mark -
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"lines\",\"config\":{\"connector.class\":\"example.LinesSink\",
        \"topics\":\"own.shop.note\",\"file\":\"$WORK/lines\",\"value.converter\":\"org.apache.kafka.connect.storage.StringConverter\"}}"
    has /type sink
    running lines
    for _ in $(seq 600); do
        [ "$(wc -l <"$WORK/lines" 2>/dev/null || echo 0)" -lt 3 ] || break
        sleep 0.1
    done
    if [ "$(grep -c 'HELLO\|null' "$WORK/lines")" = 3 ]; then pass; else fail "the sink wrote $(cat "$WORK/lines")"; fi
}

# A task that fails shows why, and starts again on request when the cause is gone.
failed_task() {
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"broken\",\"config\":{\"connector.class\":\"example.LinesSink\",
        \"topics\":\"own.shop.note\",\"file\":\"$WORK/later/lines\",
        \"value.converter\":\"org.apache.kafka.connect.storage.StringConverter\"}}"
    await /connectors/broken/status /tasks/0/state FAILED
    has /tasks/0/trace '~(?s).*NoSuchFileException: .*later/lines.*' && has /connector/state RUNNING
    example 200 curl $AT/connectors/broken/tasks/0/status
    has /state FAILED && has /trace '~(?s).*NoSuchFileException.*'
    mkdir "$WORK/later"
    example 202 curl -X POST "$AT/connectors/broken/restart?includeTasks=true&onlyFailed=true"
    has /connector/state RUNNING && has /tasks/0/state RESTARTING
    running broken
    await /connectors/broken/offsets /offsets/0/offset/kafka_offset 3
    example 204 curl -X DELETE $AT/connectors/broken
}

# Debezium's sink: rows of MySQL in a table of PostgreSQL.
jdbc_sink() {
    sql mysql 'CREATE TABLE orders (id INT PRIMARY KEY, item VARCHAR(40), amount INT)'
    sql mysql "INSERT INTO orders VALUES (1,'pen',10),(2,'ink',20),(3,'Füller',30)"
    local schemas='"key.converter":"org.apache.kafka.connect.json.JsonConverter","key.converter.schemas.enable":"true",
        "value.converter":"org.apache.kafka.connect.json.JsonConverter","value.converter.schemas.enable":"true"'
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"orders\",\"config\":{
        $(source_config $MYSQL_CLASS "$MYSQL" root o),\"database.server.id\":\"5404\",\"table.include.list\":\"shop.orders\",
        $(history orders),$schemas}}"
    example 201 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"copy\",\"config\":{
        \"connector.class\":\"io.debezium.connector.jdbc.JdbcSinkConnector\",\"topics\":\"o.shop.orders\",
        \"connection.url\":\"jdbc:postgresql://127.0.0.1:$POSTGRES/shop\",\"connection.username\":\"postgres\",
        \"connection.password\":\"millrace\",\"insert.mode\":\"upsert\",\"delete.enabled\":\"true\",\"primary.key.mode\":\"record_key\",
        \"schema.evolution\":\"basic\",\"collection.name.format\":\"orders_copy\",$schemas}}"
    has /type sink
    running copy
    await_sql postgres 'SELECT id, item, amount FROM orders_copy ORDER BY id' "$(ask sql mysql 'SELECT * FROM orders ORDER BY id')"
    sql mysql "INSERT INTO orders VALUES (4,'paper',40)"
    sql mysql 'UPDATE orders SET amount=11 WHERE id=1'
    sql mysql 'DELETE FROM orders WHERE id=2'
    await_sql postgres 'SELECT id, item, amount FROM orders_copy ORDER BY id' '1,pen,11;3,Füller,30;4,paper,40'
    await_sql mysql 'SELECT * FROM orders ORDER BY id' '1,pen,11;3,Füller,30;4,paper,40'
    await /connectors/copy/offsets /offsets/0/partition/kafka_topic o.shop.orders
}

# The same connectors in the server's own list, with what each one does.
jobs() {
    local name i=0 server listed
    server=$(sed -n 's|.*TiCDC API v2 at \(http://[^/]*\)/.*|\1|p' "$WORK/server.log" | head -n 1)
    for _ in $(seq 10); do # a position that Kafka does not tell in time is left out
        "$MILLRACE" jobs --json --server "$server" >"$ANSWER" || fail "jobs ends with exit code $?"
        grep -q '"position": null' "$ANSWER" || break
    done
    for name in copy lines maria my orders own pg; do
        has /jobs/$i/name $name && has /jobs/$i/dialect connect && has /jobs/$i/connector_state RUNNING
        has /jobs/$i/state '~moving|idle' && has /jobs/$i/rows_per_second '~[0-9.E]+'
        i=$((i + 1))
    done
    has /jobs/2/lag_ms '~[0-9]+' && has /jobs/3/lag_ms '~[0-9]+' && has /jobs/6/lag_ms '~[0-9]+'
    has /jobs/2/position '~.+:[0-9]+.*' && has /jobs/3/position '~binlog.+:[0-9]+.*' && has /jobs/6/position '~lsn [0-9A-F]+/[0-9A-F]+'
    has /jobs/0/kind sink && has /jobs/0/position '~o.shop.orders.0.:[0-9]+' && has /jobs/7 -
    listed=$("$MILLRACE" connector list --server "$API") || true
    if [ "$(grep -c RUNNING <<<"$listed")" = 7 ]; then pass; else fail "connector list prints $listed"; fi
}

# No such servers here: the connectors say so themselves, and Debezium's are not created then.
# snapshot.mode=no_data: what is there already does not come.
no_data() {
    example 201 curl -X PUT -H "$JSON" $AT/connectors/fresh/config -d "{$(source_config $MYSQL_CLASS "$MYSQL" root fresh),
        \"database.server.id\":\"5405\",\"snapshot.mode\":\"no_data\",\"table.include.list\":\"shop.item\",$(history fresh)}"
    running fresh
    await /connectors/fresh/offsets /offsets/0/partition/server fresh
    sql mysql "INSERT INTO item VALUES (50,'fifty',1.50)"
    consume fresh.shop.item 1
    has /0/value/op c && has /0/key '{"id":50}'
    example 204 curl -X DELETE $AT/connectors/fresh
}

unreachable() {
    local config refused='~(?s).*contains the following 1 error.*Unable to connect.*Connection refused.*'
    config="$(source_config $SQLSERVER_CLASS 1 sa s),\"database.names\":\"shop\",\"driver.loginTimeout\":\"1\",
        \"driver.connectRetryCount\":\"0\",$(history s)"
    example 200 curl -X PUT -H "$JSON" $AT/connector-plugins/SqlServerConnector/config/validate -d "{\"name\":\"s\",$config}"
    has /name $SQLSERVER_CLASS && has /error_count 1
    mentions 'The TCP/IP connection to the host 127.0.0.1, port 1 has failed'
    example 400 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"sqlserver\",\"config\":{$config}}"
    has /error_code 400 && has /message "$refused"
    config="\"connector.class\":\"$MONGODB_CLASS\",\"topic.prefix\":\"m\",\"mongodb.server.selection.timeout.ms\":\"500\",
        \"mongodb.connection.string\":\"mongodb://127.0.0.1:1/?replicaSet=r\""
    example 200 curl -X PUT -H "$JSON" $AT/connector-plugins/MongoDbConnector/config/validate -d "{\"name\":\"m\",$config}"
    has /name $MONGODB_CLASS && has /error_count 1 && mentions 'Exception opening socket'
    example 400 curl -X POST -H "$JSON" $AT/connectors -d "{\"name\":\"mongodb\",\"config\":{$config}}"
    has /error_code 400 && has /message "$refused"
}

delete() {
    local name
    for name in my maria pg own lines orders copy; do
        example 204 curl -X DELETE $AT/connectors/$name
        is_empty
        example 404 curl $AT/connectors/$name
    done
    example 404 curl -X DELETE $AT/connectors/my
    has /message 'Connector my not found'
}

step() { # function, arguments…
    local from=$SECONDS
    "$@"
    echo "-- $* took $((SECONDS - from)) s"
}

step start
configs
tables
step cluster
step plugins
step create
step records my.shop.item mysql
step records maria.shop.item mariadb
step records pg.public.item postgres
step show
step change
step steer
step offsets
step loggers
step own_plugins
step failed_task
step jdbc_sink
step jobs
step no_data
step unreachable
step delete
if [ "$failed" -gt 0 ]; then
    echo "What the server complained about:"
    grep -E '\[(WARN|ERROR|FATAL)\]' "$WORK/server.log" | tail -n 20 || true
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
