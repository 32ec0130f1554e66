package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.dialects.tiunimanager.Downstream.Database;
import io.millrace.dialects.tiunimanager.Downstream.Kafka;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Members of a downstream and the addresses of sinks, both ways. */
final class DownstreamTest {
    private static Downstream read(String type, String members) {
        return Downstream.read(
                type,
                Body.parse(
                        ("{\"downstream\":" + members.replace('\'', '"') + "}")
                                .getBytes(StandardCharsets.UTF_8),
                        "CreateChangeFeedTaskReq"));
    }

    private static SinkSpec sink(String uri) {
        return SinkSpec.of(uri);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    mysql | {'ip':'h','port':3306}                         | mysql://h:3306/
                    mysql | {'ip':'h'}                                     | mysql://h:3306/
                    tidb  | {'ip':'h'}                                     | mysql://h:4000/
                    tidb  | {'IP':'http://h','Port':4001}                  | mysql://h:4001/
                    tidb  | {'ip':'https://h/','port':1}                   | mysql://h:1/
                    mysql | {'ip':'::1','port':1}                          | mysql://[::1]:1/
                    mysql | {'ip':'[::1]','port':1}                        | mysql://[::1]:1/
                    mysql | {'ip':'h','username':'u'}                      | mysql://u@h:3306/
                    mysql | {'ip':'h','username':'u','password':'p'}       | mysql://u:p@h:3306/
                    mysql | {'ip':'h','workerCount':16,'maxTxnRow':5000}   | mysql://h:3306/?worker-count=16&max-txn-row=5000
                    mysql | {'ip':'h','concurrentThreads':5}               | mysql://h:3306/?worker-count=5
                    mysql | {'ip':'h','concurrentThreads':5,'workerCount':2} | mysql://h:3306/?worker-count=2
                    mysql | {'ip':'h','concurrentThreads':2,'workerCount':5} | mysql://h:3306/?worker-count=2
                    mysql | {'ip':'h','concurrentThreads':0,'workerCount':0,'maxTxnRow':0,'port':0,'username':'','tls':false} | mysql://h:3306/
                    mysql | {'ip':'h','tls':true}                          | mysql+ssl://h:3306/
                    mysql | {'ip':'h','username':null,'targetClusterId':'ignored here','nonsense':1} | mysql://h:3306/
                    kafka | {'ip':'h','port':9092,'topicName':'t'}         | kafka://h:9092/t?protocol=open-protocol
                    kafka | {'ip':'http://h','topicName':'t','protocol':'default'} | kafka://h/t?protocol=open-protocol
                    kafka | {'ip':'h','topicName':'t','protocol':'canal'}  | kafka://h/t?protocol=canal
                    kafka | {'ip':'h','topicName':'t','protocol':'avro'}   | kafka://h/t?protocol=avro
                    kafka | {'ip':'h','topicName':'t','protocol':'maxwell'} | kafka://h/t?protocol=maxwell
                    kafka | {'ip':'h','topicName':'t','tls':true}          | kafka://h/t?protocol=open-protocol&enable-tls=true
                    kafka | {'ip':'h','topicName':'t','partitions':0,'replicationFactor':0,'maxMessageBytes':0,'maxBatchSize':0,'version':'','clientId':''} | kafka://h/t?protocol=open-protocol
                    kafka | {'ip':'127.0.0.1','port':9092,'topicName':'myTopic','version':'2.4.0','partitions':6,'maxMessageBytes':67108864,'replicationFactor':1,'maxBatchSize':3,'protocol':'default','clientId':'client1'} | kafka://127.0.0.1:9092/myTopic?kafka-version=2.4.0&partition-num=6&max-message-bytes=67108864&replication-factor=1&max-batch-size=3&protocol=open-protocol&kafka-client-id=client1
                    kafka | {'ip':'a:1,b','port':2,'topicName':'t'}        | kafka://a:1,b:2/t?protocol=open-protocol
                    kafka | {'ip':'h','topicName':'../x?y=z#'}             | kafka://h/..%2Fx%3Fy%3Dz%23?protocol=open-protocol
                    kafka | {'ip':'h','topicName':'t','clientId':'a&b=c'}  | kafka://h/t?protocol=open-protocol&kafka-client-id=a%26b%3Dc
                    """)
    void becomesTheAddressOfASink(String type, String members, String uri) {
        assertThat(read(type, members).uri(Map.of())).isEqualTo(uri);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain",
                "@:/?#%&+ ='",
                "a b+c%20d",
                "ünïcödé-密码-🔑",
                "xxxxx",
                "\\back\\slash",
                "%00",
                "*****"
            })
    void credentialsMayHoldAnyCharacter(String secret) {
        Database database =
                new Database(Downstream.MYSQL, "h", 1, secret, secret, 0, 0, 0, false, "");
        SinkSpec sink = sink(database.uri(Map.of()));
        assertThat(Downstream.of(sink, Optional.empty())).isEqualTo(database);
        assertThat(database.toString()).doesNotContain(":" + secret + "@");
        assertThat(database.shown().toString()).doesNotContain("\"password\":\"" + secret + "\"");
    }

    @Test
    void quotesOfPasswordsSurviveToo() {
        Database database =
                new Database(Downstream.TIDB, "h", 1, "u", "a\"b\tc", 0, 0, 0, false, "");
        assertThat(Downstream.of(sink(database.uri(Map.of())), Optional.of(Downstream.TIDB)))
                .isEqualTo(database);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    mysql | []                                  | downstream
                    mysql | 'text'                              | downstream
                    mysql | {'port':'3306'}                     | port
                    mysql | {'port':-1}                         | port
                    mysql | {'port':65536}                      | port
                    mysql | {'port':1.5}                        | port
                    mysql | {'ip':1}                            | ip
                    mysql | {'tls':'true'}                      | tls
                    mysql | {'username':[]}                     | username
                    mysql | {'password':{}}                     | password
                    tidb  | {'targetClusterId':7}               | targetClusterId
                    tidb  | {'concurrentThreads':-5}            | concurrentThreads
                    tidb  | {'workerCount':99999999999}         | workerCount
                    tidb  | {'maxTxnRow':'x'}                   | maxTxnRow
                    kafka | {'dispatchers':{}}                  | dispatchers
                    kafka | {'dispatchers':[7]}                 | dispatchers
                    kafka | {'dispatchers':[{'matcher':7}]}     | matcher
                    kafka | {'partitions':true}                 | partitions
                    kafka | {'replicationFactor':-1}            | replicationFactor
                    kafka | {'maxMessageBytes':1e3}             | maxMessageBytes
                    kafka | {'maxBatchSize':-1}                 | maxBatchSize
                    kafka | {'version':2}                       | version
                    kafka | {'clientId':2}                      | clientId
                    kafka | {'topicName':2}                     | topicName
                    kafka | {'protocol':2}                      | protocol
                    """)
    void wrongTypesAndSizesAreRefusedByName(String type, String members, String named) {
        assertThatThrownBy(() -> read(type, members))
                .isInstanceOfSatisfying(
                        UniException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(UniCode.PARAMETER_INVALID);
                            assertThat(e.detail()).contains(named);
                        });
    }

    @ParameterizedTest
    @CsvSource({
        "''",
        "http://",
        "a/b",
        "a@b",
        "u:p@h",
        "h?x=y",
        "h#f",
        "h:3306",
        "'a,b'",
        "a b",
        "a%2fb",
        "'; DROP TABLE t; --",
        "../../etc/passwd"
    })
    void aHostIsNothingButAHost(String ip) {
        Database database = new Database(Downstream.MYSQL, ip, 1, "", "", 0, 0, 0, false, "");
        assertThatThrownBy(() -> database.uri(Map.of()))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("downstream.ip");
    }

    @Test
    void missingMeansNothingSet() {
        assertThat(Downstream.read("tidb", Body.parse(new byte[] {'{', '}'}, "X")))
                .isEqualTo(new Database("tidb", "", 0, "", "", 0, 0, 0, false, ""));
        assertThat(read("kafka", "null").shown().toString())
                .isEqualTo(
                        "{\"ip\":\"\",\"port\":0,\"version\":\"\",\"clientId\":\"\","
                                + "\"topicName\":\"\",\"protocol\":\"\",\"partitions\":0,"
                                + "\"replicationFactor\":0,\"maxMessageBytes\":0,"
                                + "\"maxBatchSize\":0,\"dispatchers\":null,\"tls\":false}");
    }

    @Test
    void dispatchersBecomeRulesOfTheSink() {
        Downstream kafka =
                read(
                        "kafka",
                        "{'ip':'h','topicName':'t','dispatchers':["
                                + "{'matcher':'a.*','dispatcher':'ts'},{'Dispatcher':'table'}]}");
        assertThat(kafka.dispatchRules())
                .containsExactly(
                        new SinkSpec.DispatchRule(List.of("a.*"), "ts", "", List.of(), ""),
                        new SinkSpec.DispatchRule(List.of(""), "table", "", List.of(), ""));
        assertThat(kafka.shown().get("dispatchers").toString())
                .isEqualTo(
                        "[{\"matcher\":\"a.*\",\"dispatcher\":\"ts\"},"
                                + "{\"matcher\":\"\",\"dispatcher\":\"table\"}]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "columns", "ts;", "' OR 1=1"})
    void unknownDispatchersAreRefused(String dispatcher) {
        Downstream kafka =
                read(
                        "kafka",
                        "{'dispatchers':[{'matcher':'a.*','dispatcher':\""
                                + dispatcher.replace("'", "\\u0027")
                                + "\"}]}");
        assertThatThrownBy(kafka::dispatchRules)
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("dispatcher of a.*");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    mysql://u:p@h:3306/?worker-count=3&max-txn-row=7 | mysql | 3306 | 3 | 7 | false
                    mysql://h/                                       | mysql | 4000 | 0 | 0 | false
                    mysql://h:3306/?ssl-cert=%2Fc                     | mysql | 3306 | 0 | 0 | true
                    tidb://u:p@h:4000/                               | tidb  | 4000 | 0 | 0 | false
                    mariadb+ssl://u:p@[::1]:1/                       | mysql | 1    | 0 | 0 | true
                    """)
    void addressesOfDatabasesTellTheirMembers(
            String uri, String type, int port, int workers, int rows, boolean tls) {
        Database database = (Database) Downstream.of(sink(uri), Optional.empty());
        assertThat(database.type()).isEqualTo(type);
        assertThat(database.port()).isEqualTo(port);
        assertThat(database.workerCount()).isEqualTo(workers);
        assertThat(database.maxTxnRow()).isEqualTo(rows);
        assertThat(database.tls()).isEqualTo(tls);
    }

    @Test
    void addressesOfKafkaTellTheirMembers() {
        assertThat(
                        Downstream.of(
                                sink(
                                        "kafka://a:1,b:2/t?protocol=canal-json&partition-num=5"
                                                + "&kafka-version=2.6.0&enable-tls=true"
                                                + "&sasl-password=hidden"),
                                Optional.empty()))
                .isEqualTo(
                        new Kafka(
                                "a:1,b",
                                2,
                                "2.6.0",
                                "",
                                "t",
                                "canal-json",
                                5,
                                0,
                                0,
                                0,
                                true,
                                Optional.empty()));
        assertThat(
                        ((Kafka)
                                        Downstream.of(
                                                sink("kafka://h/t?protocol=open-protocol"),
                                                Optional.empty()))
                                .protocol())
                .isEqualTo("default");
    }

    @ParameterizedTest
    @CsvSource({
        "kafka://h/t, false",
        "kafka://h/t?enable-tls=1, true",
        "kafka://h/t?enable-tls=TRUE, true",
        "kafka+ssl://h/t, true",
        "kafka+ssl://h/t?enable-tls=f, false",
        "kafka://h/t?ca=%2Fa&cert=%2Fc&key=%2Fk, true"
    })
    void encryptionOfKafkaIsReadAsTheSinkReadsIt(String uri, boolean tls) {
        assertThat(Downstream.of(sink(uri), Optional.empty()).tls()).isEqualTo(tls);
    }

    @Test
    void otherSinksAreShownByTheirScheme() {
        Downstream other =
                Downstream.of(sink("s3://bucket/x?secret-access-key=k"), Optional.empty());
        assertThat(other.type()).isEqualTo("s3");
        assertThat(other.shown().toString()).isEqualTo("{}");
        assertThatThrownBy(() -> other.uri(Map.of())).isInstanceOf(MillraceException.class);
    }

    @Test
    void whatIsLeftOpenComesFromTheClusterThatIsNamed() {
        Database open = new Database("tidb", "", 0, "", "", 4, 0, 0, false, "target");
        assertThat(open.at(java.net.URI.create("mysql://u:p%40@h:3307/")).uri(Map.of()))
                .isEqualTo("mysql://u:p%40@h:3307/?worker-count=4");
        assertThat(open.at(java.net.URI.create("mysql+ssl://u:p@[::1]/")).uri(Map.of()))
                .isEqualTo("mysql+ssl://u:p@[::1]:3306/?worker-count=4");
        for (String encrypted :
                List.of(
                        "mysql://h/?ssl-mode=REQUIRED",
                        "mysql://h/?ssl-ca=/x",
                        "mysql://h/?ssl-mode=verify_ca&ssl-ca=/x")) {
            assertThat(open.at(java.net.URI.create(encrypted)).uri(Map.of()))
                    .as(encrypted)
                    .startsWith("mysql+ssl://h:3306/");
        }
        assertThat(open.at(java.net.URI.create("mysql://h/?ssl-mode=disabled")).uri(Map.of()))
                .startsWith("mysql://h:3306/");
        Database given = new Database("tidb", "g", 1, "", "", 0, 0, 0, false, "target");
        assertThat(given.at(java.net.URI.create("mysql://u:p@h:3307/"))).isEqualTo(given);
        for (String user : List.of("", "u")) {
            Database otherPort = new Database("tidb", "", 9999, user, "", 0, 0, 0, false, "target");
            assertThatThrownBy(() -> otherPort.at(java.net.URI.create("mysql://u:p@h:3307/")))
                    .as("a cluster's password goes to that cluster alone")
                    .hasMessageContaining("downstream.port");
        }
        Database otherUser = new Database("tidb", "", 0, "me", "", 0, 0, 0, false, "target");
        assertThat(otherUser.at(java.net.URI.create("mysql://u:p@h:3307/")).uri(Map.of()))
                .as("a password is for its own user alone")
                .isEqualTo("mysql://me@h:3307/");
    }
}
