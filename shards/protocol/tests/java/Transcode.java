import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

/**
 * Lets Kafka's own code read messages and write them again. A line of input is the name of the class, the version to
 * read, the body in hexadecimal, and the versions to write, all separated by spaces. The answer is one line: for each
 * version to write the body in hexadecimal, or "-" if Kafka refuses, with "." for a body without bytes.
 */
public final class Transcode {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        BufferedWriter out = new BufferedWriter(new OutputStreamWriter(System.out));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.write(answer(line.split(" ")));
            out.newLine();
        }
        out.flush();
    }

    private static String answer(String[] words) throws Exception {
        String name = "org.apache.kafka.common.message." + words[0] + "Data";
        Message message = (Message) Class.forName(name).getDeclaredConstructor().newInstance();
        ByteBuffer body = ByteBuffer.wrap(parse(words[2]));
        try {
            message.read(new ByteBufferAccessor(body), Short.parseShort(words[1]));
        } catch (RuntimeException e) {
            return "cannot read: " + e;
        }
        if (body.hasRemaining()) {
            return "does not read all: " + body.remaining();
        }
        StringBuilder answer = new StringBuilder();
        for (int i = 3; i < words.length; i++) {
            answer.append(i > 3 ? " " : "").append(write(message, Short.parseShort(words[i])));
        }
        return answer.toString();
    }

    private static String write(Message message, short version) {
        try {
            ByteBuffer buffer = MessageUtil.toByteBufferAccessor(message, version).buffer();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return bytes.length == 0 ? "." : HexFormat.of().formatHex(bytes);
        } catch (RuntimeException e) {
            return "-";
        }
    }

    private static byte[] parse(String text) {
        return text.equals(".") ? new byte[0] : HexFormat.of().parseHex(text);
    }
}
