// What a program does with JDBC: one fact a line, for drivers.pl.
//
//     java WithJdbc.java URL [pooled]
//
// "pooled" is through pgbouncer in transaction mode.

import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

public class WithJdbc {
    static final String IDS =
        "SELECT convert_from(decode((regexp_match(body, 'data=([^&]*)'))[1], 'base64'), 'UTF8')"
        + " FROM batch_cancel_preview('btc_usdt', ?)";
    static final String SIZE = "SELECT body::json ->> 'size'"
        + " FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', ?, 1)";
    static final String ORDERS = "SELECT body::json ->> 'size' FROM btse_create_orders_preview(%s)";
    static final String LIST =
        "[{\"symbol\": \"BTC-USD\", \"side\": \"BUY\", \"type\": \"LIMIT\", \"size\": 0.002, \"price\": 1}]";

    static Connection conn;

    static void fact(String what, Object value) {
        System.out.println(what + ": " + value);
    }

    // The first value, or the first line of the error.
    static Object ask(String query, Object... arguments) {
        try (PreparedStatement statement = conn.prepareStatement(query)) {
            for (int i = 0; i < arguments.length; i++)
                statement.setObject(i + 1, arguments[i]);
            ResultSet rows = statement.executeQuery();
            rows.next();
            return rows.getObject(1);
        } catch (SQLException error) {
            return error.getMessage().split("\n")[0];
        }
    }

    static Array array(String type, Object... elements) throws SQLException {
        return conn.createArrayOf(type, elements);
    }

    // 250 orders, and a look at the log
    static void cancelMany() throws SQLException {
        List<Long> ids = new ArrayList<>();
        for (long id = 1001; id <= 1250; id++)
            ids.add(id);
        PreparedStatement call = conn.prepareStatement("INSERT INTO cancel_log SELECT 250, now(), 'xt',"
            + " c.* FROM batch_cancel('btc_usdt', ?) AS c");
        call.setArray(1, array("bigint", ids.toArray()));
        fact("rows", call.executeUpdate());

        ResultSet rows = conn.createStatement().executeQuery(
            "SELECT order_id, outcome FROM cancel_log WHERE call_id = 250 ORDER BY ordinal");
        List<Long> logged = new ArrayList<>();
        Set<String> outcomes = new TreeSet<>();
        while (rows.next()) {
            logged.add(Long.valueOf(rows.getString(1)));
            outcomes.add(rows.getString(2));
        }
        fact("in order", logged.equals(ids));
        fact("outcomes", outcomes);
    }

    // one statement, again and again
    static void cancelAgain() throws SQLException {
        PreparedStatement one = conn.prepareStatement("SELECT outcome FROM batch_cancel('btc_usdt', ?)");
        List<String> outcomes = new ArrayList<>();
        for (long id = 2001; id <= 2007; id++) {
            one.setArray(1, array("bigint", id));
            ResultSet rows = one.executeQuery();
            rows.next();
            outcomes.add(rows.getString(1));
        }
        fact("again", outcomes);
        fact("prepared", ask("SELECT count(*) > 0 FROM pg_prepared_statements WHERE statement ~ 'cancel'"));
    }

    // calls for later, in one batch: a worker would make them
    static void submitMany() throws SQLException {
        String submit = "SELECT batch_cancel_submit('btc_usdt', ?, not_before => now() + interval '1 day')";
        try (PreparedStatement one = conn.prepareStatement("INSERT INTO submitted " + submit)) {
            for (long id = 4001; id <= 4007; id++) {
                one.setArray(1, array("bigint", id));
                one.addBatch();
            }
            fact("batch", Arrays.stream(one.executeBatch()).sum());
        }
        fact("submitted", ask("SELECT string_agg(ids[1], ' ' ORDER BY call_id)"
            + " FROM order_gateway_calls JOIN submitted USING (call_id)"));
        try (PreparedStatement one = conn.prepareStatement(submit)) {
            for (long id = 4008; id <= 4009; id++) {
                one.setArray(1, array("bigint", id));
                one.addBatch();
            }
            one.executeBatch();
        }
        fact("batch of SELECT", ask("SELECT count(*) FROM order_gateway_calls"
            + " WHERE state = 'queued' AND ids[1] IN ('4008', '4009')"));
    }

    // no answer: the provider takes its time, and we do not
    static void getNoAnswer() throws SQLException {
        Statement statement = conn.createStatement();
        statement.setQueryTimeout(2);
        try {
            statement.executeUpdate("INSERT INTO cancel_log SELECT 3, now(), 'xt', c.*"
                + " FROM batch_cancel('btc_usdt', ARRAY['3001']) AS c");
            fact("timeout", "none");
        } catch (SQLException error) {
            fact("timeout", error.getSQLState());
        }
        fact("afterwards", ask("SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[3002])"));
    }

    // a timeout of the client's own: it leaves, and the call goes on
    static void leave(String url) throws SQLException {
        try (Connection impatient = DriverManager.getConnection(url + "&socketTimeout=2")) {
            impatient.createStatement().executeUpdate("INSERT INTO cancel_log SELECT 4, now(), 'xt', c.*"
                + " FROM batch_cancel('btc_usdt', ARRAY['3004']) AS c");
            fact("left", "no");
        } catch (SQLException error) {
            fact("left", error.getMessage().split("\n")[0]);
        }
    }

    // what becomes of numbers
    static void giveNumbers() throws SQLException {
        PreparedStatement exact = conn.prepareStatement(
            "SELECT order_id, outcome FROM batch_cancel('btc_usdt', ?)");
        exact.setArray(1, array("bigint", 6216559590087220004L));
        ResultSet rows = exact.executeQuery();
        rows.next();
        fact("exact", rows.getLong(1) + " " + rows.getString(2));
        fact("ids", ask(IDS, array("bigint", 6216559590087220004L)));
        fact("text ids", ask(IDS, array("text", "6216559590087220004")));
        fact("long[]", ask(IDS, new long[] {6216559590087220004L}));
        fact("String[]", ask(IDS, (Object) new String[] {"6216559590087220004"}));
        fact("float ids", ask(IDS, array("float8", 6216559590087220004.0)));
        fact("float", ask(SIZE, 0.1 + 0.2));
        fact("decimal", ask(SIZE, new BigDecimal("0.0020")));
        fact("orders with a cast", ask(ORDERS.formatted("?::jsonb"), LIST));
        fact("orders as text", ask(ORDERS.formatted("?"), LIST));
        fact("interval with a cast",
            ask("SELECT count(*) FROM btse_cancel_all_after_preview(?::interval)", "60 s"));
        fact("interval as text", ask("SELECT count(*) FROM btse_cancel_all_after_preview(?)", "60 s"));
        try {
            conn.prepareCall("{call cancel_marked_orders()}").execute();
            fact("{call ...}", "works");
        } catch (SQLException error) {
            fact("{call ...}", error.getMessage().split("\n")[0]);
        }
    }

    public static void main(String[] arguments) throws Exception {
        boolean pooled = Arrays.asList(arguments).contains("pooled");
        conn = DriverManager.getConnection(arguments[0] + (pooled ? "&prepareThreshold=0" : ""));
        cancelMany();
        cancelAgain();
        submitMany();
        getNoAnswer();
        if (!pooled)
            leave(arguments[0]);
        giveNumbers();
        conn.close();
    }
}
