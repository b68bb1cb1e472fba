import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.util.ParameterTool;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** What both programs share: the task and Flink's settings as options, and the two clocks. */
record Peer(ParameterTool options) {
    private static volatile Clocks first;

    /** Reads the topic to its end as {@code group}; returns after the last commit. */
    interface Job {
        void run(Peer peer, String group) throws Exception;
    }

    /** Run the job twice in this JVM and print the seconds of the second time. */
    static void measure(String[] arguments, Job job) throws Exception {
        Peer peer = new Peer(ParameterTool.fromArgs(arguments));
        job.run(peer, peer.get("group") + "-warm-up");
        first = null;
        job.run(peer, peer.get("group"));
        Clocks last = Clocks.read();
        System.out.printf(Locale.ROOT, "{\"first\": %.3f, \"last\": %.3f, \"cpu_s\": %.3f}%n",
                first.at, last.at, last.cpuS - first.cpuS);
        System.exit(0); // leaving in order takes seconds
    }

    String get(String option) {
        return options.getRequired(option);
    }

    /** The options as settings of Flink, which reads only those that it defines. */
    Configuration settings() {
        return Configuration.fromMap(options.toMap());
    }

    /** Fetches as large as the other peers' ones, and the clock of the first event. */
    static Map<String, String> consumer() {
        return Map.of(
                "max.partition.fetch.bytes", "16777216",
                "max.poll.records", "5000",
                "interceptor.classes", FirstPoll.class.getName());
    }

    /**
     * Epoch seconds, and the user and system seconds of all threads of this JVM: those of the
     * garbage collector and of the compilers too.
     */
    private record Clocks(double at, double cpuS) {
        static Clocks read() {
            var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Clocks(System.currentTimeMillis() / 1e3, system.getProcessCpuTime() / 1e9);
        }
    }

    /** Reads the clocks when Kafka's consumer hands the first records to Flink. */
    public static final class FirstPoll implements ConsumerInterceptor<byte[], byte[]> {
        @Override
        public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
            if (first == null && !records.isEmpty()) {
                first = Clocks.read();
            }
            return records;
        }

        @Override
        public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

        @Override
        public void configure(Map<String, ?> settings) {}

        @Override
        public void close() {}
    }
}
