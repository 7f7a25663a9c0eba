import com.zx.sms.codec.cmpp.msg.CmppDeliverRequestMessage;
import com.zx.sms.codec.cmpp.msg.CmppDeliverResponseMessage;
import com.zx.sms.codec.cmpp.msg.CmppReportRequestMessage;
import com.zx.sms.codec.cmpp.msg.CmppSubmitRequestMessage;
import com.zx.sms.codec.cmpp.msg.CmppSubmitResponseMessage;
import com.zx.sms.common.util.MsgId;
import com.zx.sms.connect.manager.EndpointManager;
import com.zx.sms.connect.manager.cmpp.CMPPServerChildEndpointEntity;
import com.zx.sms.connect.manager.cmpp.CMPPServerEndpointEntity;
import com.zx.sms.handler.api.AbstractBusinessHandler;
import com.zx.sms.session.cmpp.SessionState;
import io.netty.channel.ChannelHandlerContext;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * An ISMG on loopback, played by SMSGate: SmsGate 20|30 PORT REPEAT_SECONDS, for the SP 900001 with the secret 888888.
 *
 * Each line on standard input lets a citizen send: "mo TAB Msg_Id or nothing TAB number TAB text", or lets the operator
 * report: "report TAB Msg_Id TAB number TAB Msg_Id of ours". It ends when standard input does. Standard output tells
 * "ready", "login", "logout", "answer TAB result" and "submit TAB number TAB text".
 */
public class SmsGate {
    static final String HOTLINE = "12345";
    static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    static volatile ChannelHandlerContext session;

    public static void main(String[] args) throws Exception {
        var sp = new CMPPServerChildEndpointEntity();
        sp.setId("sp");
        sp.setUserName("900001");
        sp.setPassword("888888");
        sp.setVersion((short) Integer.parseInt(args[0], 16));
        sp.setChartset(Charset.forName("utf-8"));
        sp.setGroupName("hotline");
        sp.setValid(true);
        sp.setMaxChannels((short) 2);
        sp.setRetryWaitTimeSec(Short.parseShort(args[2]));
        sp.setMaxRetryCnt((short) 3);
        sp.setIdleTimeSec((short) 3);
        sp.setBusinessHandlerSet(List.of(new Operator()));
        var ismg = new CMPPServerEndpointEntity();
        ismg.setId("ismg");
        ismg.setHost("127.0.0.1");
        ismg.setPort(Integer.parseInt(args[1]));
        ismg.setValid(true);
        ismg.addchild(sp);
        EndpointManager.INS.openEndpoint(ismg);
        OUT.println("ready");
        obey();
        System.exit(0);
    }

    static void obey() throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            while (session == null) Thread.sleep(10);
            session.channel().writeAndFlush(words[0].equals("mo") ? message(words) : report(words));
        }
    }

    static CmppDeliverRequestMessage addressed(String[] words) {
        var message = new CmppDeliverRequestMessage();
        if (!words[1].isEmpty()) message.setMsgId(new MsgId(words[1]));
        message.setSrcterminalId(words[2]);
        message.setDestId(HOTLINE);
        return message;
    }

    static CmppDeliverRequestMessage message(String[] words) {
        var message = addressed(words);
        message.setMsgContent(words[3]);
        return message;
    }

    static CmppDeliverRequestMessage report(String[] words) {
        var report = new CmppReportRequestMessage();
        report.setMsgId(new MsgId(words[3]));
        report.setStat("DELIVRD");
        report.setSubmitTime("2611242245");
        report.setDoneTime("2611242246");
        report.setDestterminalId(words[2]);
        var message = addressed(words);
        message.setReportRequestMessage(report);
        return message;
    }

    static class Operator extends AbstractBusinessHandler {
        @Override
        public String name() {
            return "operator";
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
            if (event == SessionState.Connect) {
                session = context;
                OUT.println("login");
            }
            context.fireUserEventTriggered(event);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) throws Exception {
            if (session != null && session.channel() == context.channel()) session = null;
            OUT.println("logout");
            super.channelInactive(context);
        }

        void accept(ChannelHandlerContext context, CmppSubmitRequestMessage submit) {
            var answer = new CmppSubmitResponseMessage(submit.getHeader().getSequenceId());
            answer.setResult(0);
            context.channel().writeAndFlush(answer);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            if (message instanceof CmppDeliverResponseMessage answer) OUT.println("answer\t" + answer.getResult());
            if (message instanceof CmppSubmitRequestMessage submit) {
                if (submit.getFragments() != null) for (var piece : submit.getFragments()) accept(context, piece);
                accept(context, submit);
                OUT.println("submit\t" + submit.getDestterminalId()[0] + "\t" + submit.getMsgContent());
            }
            context.fireChannelRead(message);
        }
    }
}
