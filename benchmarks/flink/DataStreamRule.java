import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.Arrays;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.formats.json.JsonDeserializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.json.JsonMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The one rule in Flink's DataStream API: a keyed function over the customer's recent event
 * times, exact as the other peers'.
 */
public final class DataStreamRule {
    /** The fields that the rule needs; Flink calls such a class a POJO. */
    public static class Transaction {
        public String customer_id;
        public String event_id;
        public long event_time;
    }

    /** Emits the event that makes the customer's count one more than {@code most}. */
    private static final class Rule
            extends KeyedProcessFunction<String, Transaction, Transaction> {
        private static final long[] NONE = {};
        private final long windowMs;
        private final int most;
        private transient ValueState<long[]> times;

        Rule(long windowMs, int most) {
            this.windowMs = windowMs;
            this.most = most;
        }

        @Override
        public void open(OpenContext context) {
            var type = PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO;
            times = getRuntimeContext().getState(new ValueStateDescriptor<>("times", type));
        }

        @Override
        public void processElement(Transaction event, Context context, Collector<Transaction> out)
                throws IOException {
            long[] stored = times.value();
            long[] before = stored == null ? NONE : stored;
            int old = 0;
            while (old < before.length && before[old] <= event.event_time - windowMs) {
                old++;
            }
            long[] now = Arrays.copyOfRange(before, old, before.length + 1);
            now[now.length - 1] = event.event_time;
            times.update(now);
            if (now.length == most + 1) {
                out.collect(event);
            }
        }
    }

    /** The alert as the other peers write it, with the customer as its key. */
    private record Encoder(String topic) implements KafkaRecordSerializationSchema<Transaction> {
        @Override
        public ProducerRecord<byte[], byte[]> serialize(
                Transaction event, KafkaSinkContext context, Long timestamp) {
            String alert = "{\"customer_id\":\"%s\",\"event_id\":\"%s\"}"
                    .formatted(event.customer_id, event.event_id);
            return new ProducerRecord<>(
                    topic, event.customer_id.getBytes(UTF_8), alert.getBytes(UTF_8));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Peer.measure(arguments, DataStreamRule::run);
    }

    private static void run(Peer peer, String group) throws Exception {
        Properties consumer = new Properties();
        consumer.putAll(Peer.consumer());
        var json = new JsonDeserializationSchema<>(Transaction.class, () -> JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build());
        var transactions = KafkaSource.<Transaction>builder()
                .setBootstrapServers(peer.get("broker"))
                .setTopics(peer.get("topic"))
                .setGroupId(group)
                .setProperties(consumer)
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setValueOnlyDeserializer(json)
                .build();
        var alerts = KafkaSink.<Transaction>builder()
                .setBootstrapServers(peer.get("broker"))
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(group)
                .setProperty("transaction.timeout.ms", peer.get("transaction-ms"))
                .setRecordSerializer(new Encoder(peer.get("alerts")))
                .build();
        var environment = StreamExecutionEnvironment.getExecutionEnvironment(peer.settings());
        environment.fromSource(transactions, WatermarkStrategy.noWatermarks(), "transactions")
                .keyBy(event -> event.customer_id)
                .process(new Rule(
                        Long.parseLong(peer.get("window-ms")), Integer.parseInt(peer.get("most"))))
                .sinkTo(alerts);
        environment.execute();
    }
}
