/*-------------------------------------------------------------------------
 *
 * test_stream_record.c
 *		BTSE's streams: trades, fills and notifications, what tells them apart,
 *		and what they say of acts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "stream_case.h"
#include "tap.h"

typedef struct Case
{
	const char *text;
	const char *shown;
} Case;

static void
check(const Case *cases, int count)
{
	for (int i = 0; i < count; i++)
	{
		OgStreamMessage message;
		bool		understood = og_btse_stream_read(exactly(cases[i].text),
													 &message);

		is_text(show(&message), cases[i].shown,
				psprintf("message %.200s", cases[i].text));
		ok(understood ? message.what == OG_STREAM_DATA : message.nrecords == 0,
		   "... %s", understood ? "all of it" : "and nothing of it is left");
	}
}

#define CHECK(cases)	check(cases, lengthof(cases))

/* ---------- trades ---------- */

#define TRADES(records)	\
	"{\"topic\":\"tradeHistoryApi:BTC-USD\",\"data\":" records "}"
#define TRADE(members)	TRADES("[{\"symbol\":\"BTC-USD\"," members "}]")
#define TRADED	"\"side\":\"SELL\",\"price\":1,\"size\":2,\"timestamp\":3"

static void
test_trades(void)
{
	static const Case cases[] = {
		{"{\n  \"topic\": \"tradeHistoryApi:BTC-USD\",\n  \"data\": [\n  {\n"
			"    \"symbol\": \"BTC-USD\",\n    \"side\": \"SELL\",\n"
			"    \"size\": 0.007,\n    \"price\": 5302.8,\n"
			"    \"tradeId\": 118974855,\n    \"timestamp\": 1584446020295\n"
			"  }\n  ]\n}",
			"trades BTC-USD symbol=\"BTC-USD\" trade_id=118974855 side=\"SELL\" "
		"price=5302.8 size=0.007 event_time=1584446020295"},
		{TRADES("[{\"symbol\":\"BTC-USD\",\"tradeId\":\"a\",\"price\":\"1.50\","
				"\"size\":\"2e-8\"},{\"symbol\":\"BTC-USD\",\"serialId\":7,"
				"\"price\":1,\"size\":1,\"side\":\"MODE_BUY\"}]"),
			"trades BTC-USD symbol=\"BTC-USD\" trade_id=\"a\" price=\"1.50\" "
			"size=\"2e-8\" ; symbol=\"BTC-USD\" trade_id=7 side=\"BUY\" price=1 "
		"size=1"},
		{TRADE("\"tradeId\":118974855.0,\"serialId\":5," TRADED),
			"trades BTC-USD symbol=\"BTC-USD\" trade_id=118974855 side=\"SELL\" "
		"price=1 size=2 event_time=3"},
		{TRADE("\"tradeId\":1.18974855e8," TRADED),
			"trades BTC-USD symbol=\"BTC-USD\" trade_id=118974855 side=\"SELL\" "
		"price=1 size=2 event_time=3"},
		{TRADE("\"tradeId\":9223372036854775808," TRADED),
			"trades BTC-USD symbol=\"BTC-USD\" trade_id=9223372036854775808 "
		"side=\"SELL\" price=1 size=2 event_time=3"},
		{TRADES("[]"), "trades"},
		{TRADES("{\"symbol\":\"BTC-USD\",\"tradeId\":1,\"price\":1,\"size\":1}"),
		"trades BTC-USD symbol=\"BTC-USD\" trade_id=1 price=1 size=1"},

		{TRADES("null"), "? trades has no list where one is due"},
		{TRADES("\"x\""), "? trades has no list where one is due"},
		{TRADES("[1]"), "? trades has an element that is not an object"},
		{TRADES("[{}]"), "? trades does not name its market"},
		{TRADES("[{\"symbol\":5,\"tradeId\":1,\"price\":1,\"size\":1}]"),
		"? trades does not name its market"},
		{TRADE(TRADED), "? trades BTC-USD has a trade without an id"},
		{TRADE("\"tradeId\":\"\"," TRADED),
		"? trades BTC-USD has a trade without an id"},
		{TRADE("\"tradeId\":0," TRADED),
		"? trades BTC-USD has a trade without an id"},
		{TRADE("\"tradeId\":[1]," TRADED),
		"? trades BTC-USD has a trade without an id"},
		{TRADE("\"tradeId\":1,\"price\":1"),
		"? trades BTC-USD has a trade without a price or a size"},
		{TRADE("\"tradeId\":1,\"price\":0,\"size\":1"),
		"? trades BTC-USD has a trade without a price or a size"},
		{TRADE("\"tradeId\":1,\"price\":\"1e400\",\"size\":1"),
		"? trades BTC-USD has a trade without a price or a size"},
		{TRADE("\"tradeId\":1,\"price\":1,\"size\":-1"),
		"? trades BTC-USD has a trade without a price or a size"},

		/* One that is wrong spoils those before it and after it. */
		{TRADES("[{\"symbol\":\"BTC-USD\",\"tradeId\":1,\"price\":1,\"size\":1},"
				"{\"symbol\":\"BTC-USD\",\"tradeId\":2,\"price\":1},"
				"{\"symbol\":\"BTC-USD\",\"tradeId\":3,\"price\":1,\"size\":1}]"),
		"? trades BTC-USD has a trade without a price or a size"},
		{TRADES("[{\"symbol\":\"BTC-USD\",\"tradeId\":1,\"price\":1,\"size\":1},"
				"{\"symbol\":\"ETH-USD\",\"tradeId\":2,\"price\":1,\"size\":1}]"),
		"? trades BTC-USD has trades of several markets"},
	};

	CHECK(cases);
}

/* ---------- fills ---------- */

#define FILLS(records)	"{\"topic\":\"fills\",\"data\":" records "}"
#define FILL(members)	FILLS("[{\"symbol\":\"BTC-USD\"," members "}]")
#define FILLED	"\"price\":1,\"size\":2"

static void
test_fills(void)
{
	static const Case cases[] = {
		/* The page's example has words where a fill has numbers. */
		{"{\n  \"topic\": \"fills\",\n  \"data\": [{\n"
			"    \"orderId\": \"order id\",\n"
			"    \"serialId\": \"serial ID after insertion into DB\",\n"
			"    \"clOrderId\": \"Client Order ID\",\n"
			"    \"type\": \"order type\",\n    \"symbol\": \"ex: BTC-USD\",\n"
			"    \"side\": \"BUY|SELL\",\n    \"price\": \"filled price\",\n"
			"    \"size\": \"filled size\",\n"
			"    \"feeAmount\": \"Fees charged to user, value to be String on API\",\n"
			"    \"feeCurrency\": \"Fee currency, eg. Buy would be BTC, Sell would be USD\",\n"
			"    \"base\": \"Base currency, eg. BTC\",\n"
			"    \"quote\": \"Quote currency eg. USD\",\n"
			"    \"maker\": \"maker or taker\",\n"
			"    \"timestamp\": \"Time trade was matched in the engine\",\n"
			"    \"tradeId\": \"Trade Unique ID\"\n  }]\n}",
		"? fills has a fill without a price or a size"},
		{FILLS("[{\"orderId\":\"o\",\"serialId\":\"94711228\",\"clOrderId\":\"c\","
			   "\"type\":76,\"symbol\":\"BTC-USD\",\"side\":\"BUY\","
			   "\"price\":\"34799.000000025\",\"size\":\"0.00001\","
			   "\"feeAmount\":\"0.000000006\",\"feeCurrency\":\"BTC\","
			   "\"base\":\"BTC\",\"quote\":\"USD\",\"maker\":\"maker\","
			   "\"timestamp\":1698118893000,\"tradeId\":\"t\"}]"),
			"fills order_id=\"o\" client_order_id=\"c\" serial_id=\"94711228\" "
			"trade_id=\"t\" order_type=76 symbol=\"BTC-USD\" side=\"BUY\" "
			"filled_price=\"34799.000000025\" filled_size=\"0.00001\" "
			"fee_amount=\"0.000000006\" fee_currency=\"BTC\" base=\"BTC\" "
		"quote=\"USD\" maker=true event_time=1698118893000"},
		{FILL("\"orderID\":\"o\",\"clOrderID\":\"c\",\"orderType\":77,"
			  "\"serialId\":1.0,\"side\":\"MODE_SELL\",\"maker\":false,"
			  "\"price\":34799.000000025,\"size\":1e-5"),
			"fills order_id=\"o\" client_order_id=\"c\" serial_id=1 order_type=77 "
			"symbol=\"BTC-USD\" side=\"SELL\" filled_price=34799.000000025 "
		"filled_size=1e-5 maker=false"},

		/* A fill's own price and size go by these names only. */
		{FILL("\"serialId\":1,\"filledPrice\":9,\"filledSize\":8," FILLED),
			"fills serial_id=1 symbol=\"BTC-USD\" filled_price=1 filled_size=2"},
		{FILL("\"serialId\":1,\"filledPrice\":9,\"filledSize\":8"),
		"? fills has a fill without a price or a size"},

		{FILL("\"serialId\":1,\"maker\":\"taker\"," FILLED),
			"fills serial_id=1 symbol=\"BTC-USD\" filled_price=1 filled_size=2 "
		"maker=false"},
		{FILL("\"serialId\":1,\"maker\":true," FILLED),
			"fills serial_id=1 symbol=\"BTC-USD\" filled_price=1 filled_size=2 "
		"maker=true"},
		{FILL("\"tradeId\":\"t\",\"orderId\":\"o\",\"side\":\"BUY\"," FILLED),
			"fills order_id=\"o\" trade_id=\"t\" symbol=\"BTC-USD\" side=\"BUY\" "
		"filled_price=1 filled_size=2"},
		{FILL("\"serialId\":0,\"tradeId\":\"t\",\"orderId\":\"o\",\"side\":\"BUY\","
			  FILLED),
			"fills order_id=\"o\" trade_id=\"t\" symbol=\"BTC-USD\" side=\"BUY\" "
		"filled_price=1 filled_size=2"},
		{FILLS("[]"), "fills"},

		{FILL(FILLED), "? fills has a fill that nothing tells apart"},
		{FILL("\"tradeId\":\"t\",\"orderId\":\"o\"," FILLED),
		"? fills has a fill that nothing tells apart"},
		{FILL("\"tradeId\":\"t\",\"side\":\"BUY\"," FILLED),
		"? fills has a fill that nothing tells apart"},
		{FILLS("[{\"serialId\":1," FILLED "}]"),
		"? fills does not name its market"},
		{FILL("\"serialId\":1,\"price\":1,\"size\":0"),
		"? fills has a fill without a price or a size"},
	};

	CHECK(cases);
}

static void
test_long_ids(void)
{
	static const char *const fields[] = {"serialId", "tradeId", "orderId"};

	for (int i = 0; i < lengthof(fields); i++)
	{
		for (int len = OG_STREAM_MAX_ID; len <= OG_STREAM_MAX_ID + 1; len++)
		{
			OgStreamMessage message;
			char	   *text = psprintf(FILLS("[{\"symbol\":\"A-B\",%s\"%s\":"
											  "\"%0*d\"," FILLED "}]"),
										i == 0 ? "" : "\"serialId\":1,",
										fields[i], len, 1);

			ok(og_btse_stream_read(exactly(text), &message) ==
			   (len <= OG_STREAM_MAX_ID), "%s of %d characters", fields[i], len);
		}
	}
}

/* ---------- notifications ---------- */

#define NOTIFIED(members) \
	"{\"topic\":\"notificationApiV3\",\"data\":{" members "}}"

static void
test_notifications(void)
{
	static const Case cases[] = {
		{"{\n  \"topic\": \"notificationApiV3\",\n  \"data\": {\n"
			"      \"symbol\": \"Market Symbol (eg. BTC-USD)\",\n"
			"      \"orderID\": \"BTSE internal order ID\",\n"
			"      \"side\": \"BUY\",\n      \"orderType\": \"76\",\n"
			"      \"price\": \"Order price or transacted price\",\n"
			"      \"avgFilledPrice\": 35000,\n"
			"      \"status\": \"<Refer to Status description on the left>\",\n"
			"      \"clOrderID\": \"<Client order ID>\",\n"
			"      \"maker\": \"<Maker flag, if true indicates that trade is a maker trade>\",\n"
			"      \"stealth\": 1,\n      \"timestamp\": 1624985375123,\n"
			"      \"pegPriceDeviation\": \"Indicate the deviation percentage. Valid for only algo orders.\",\n"
			"      \"time_in_force\": \"<Time where this order is valid>\",\n"
			"      \"txType\": 0,\n      \"triggerPrice\": \"Trade Trigger Price\",\n"
			"      \"originalOrderBaseSize\":10,\n"
			"      \"originalOrderQuoteSize\":null,\n"
			"      \"currentOrderBaseSize\":10,\n"
			"      \"currentOrderQuoteSize\":null,\n"
			"      \"filledBaseSize\":0,\n      \"totalFilledBaseSize\":0,\n"
			"      \"remainingBaseSize\":10,\n"
			"      \"remainingQuoteSize\":null,\n"
			"      \"orderCurrency\":\"base\"\n    }\n}\n",
			"notifications order_id=\"BTSE internal order ID\" "
			"client_order_id=\"<Client order ID>\" "
			"symbol=\"Market Symbol (eg. BTC-USD)\" side=\"BUY\" order_type=\"76\" "
			"status=\"<Refer to Status description on the left>\" "
			"price=\"Order price or transacted price\" avg_filled_price=35000 "
			"maker=\"<Maker flag, if true indicates that trade is a maker trade>\" "
			"stealth=1 peg_price_deviation=\"Indicate the deviation percentage. "
			"Valid for only algo orders.\" "
			"time_in_force=\"<Time where this order is valid>\" tx_type=0 "
			"trigger_price=\"Trade Trigger Price\" original_order_base_size=10 "
			"current_order_base_size=10 filled_base_size=0 "
			"total_filled_base_size=0 remaining_order_base_size=10 "
		"order_currency=\"base\" event_time=1624985375123"},
		{NOTIFIED("\"symbol\":\"BTC-USD\",\"orderId\":\"o\",\"clOrderId\":\"c\","
				"\"side\":\"MODE_BUY\",\"orderType\":76,\"status\":2,\"price\":1.0,"
				"\"maker\":true,\"timeInForce\":\"GTC\",\"timestamp\":5,"
				"\"originalSize\":1,\"size\":2,\"fillSize\":3,\"filledSize\":4,"
				"\"remainingSize\":5,\"remainingOrderQuoteSize\":6,"
				"\"orderCurrency\":\"USD\",\"txType\":\"LIMIT\""),
			"notifications order_id=\"o\" client_order_id=\"c\" symbol=\"BTC-USD\" "
			"side=\"BUY\" order_type=76 status=2 price=1.0 maker=true "
			"time_in_force=\"GTC\" tx_type=\"LIMIT\" original_order_base_size=1 "
			"current_order_base_size=2 filled_base_size=3 "
			"total_filled_base_size=4 remaining_order_base_size=5 "
		"remaining_order_quote_size=6 order_currency=\"USD\" event_time=5"},
		{NOTIFIED("\"remainingOrderBaseSize\":1,\"remainingBaseSize\":2,"
				"\"remainingSize\":3,\"currentOrderBaseSize\":4,\"size\":5"),
			"notifications current_order_base_size=4 remaining_order_base_size=1"},
		{NOTIFIED("\"remainingBaseSize\":2,\"remainingSize\":3"),
		"notifications remaining_order_base_size=2"},
		{NOTIFIED(""), "notifications"},
		{"{\"topic\":\"notificationApiV3\",\"data\":[{\"status\":\"6\"},{\"status\":4}]}",
		"notifications status=\"6\" ; status=4"},

		{"{\"topic\":\"notificationApiV3\"}",
		"? notifications has no list where one is due"},
		{"{\"topic\":\"notificationApiV3\",\"data\":\"x\"}",
		"? notifications has no list where one is due"},
		{"{\"topic\":\"notificationApiV3\",\"data\":[\"x\"]}",
		"? notifications has an element that is not an object"},
	};

	CHECK(cases);
}

static void
test_raw(void)
{
	OgStreamMessage message;
	OgSlice		text = exactly(FILLS("[ {\"symbol\":\"A-B\",\"serialId\":1,"
									 FILLED "} , {\"symbol\":\"A-B\","
									 "\"serialId\" : 2," FILLED "}]"));

	ok(og_btse_stream_read(text, &message) && message.nrecords == 2,
	   "two fills");
	is_text(pnstrdup(message.records[1].raw.data, message.records[1].raw.len),
			"{\"symbol\":\"A-B\",\"serialId\" : 2," FILLED "}",
			"each has its own bytes");
	ok(message.columns == og_btse_stream_columns(OG_STREAM_FILLS),
	   "... and the columns of its kind");
	ok(og_btse_stream_columns(OG_STREAM_L1) == NULL &&
	   og_btse_stream_columns(OG_STREAM_BOOK) == NULL,
	   "books have no such columns");
}

/* ---------- reads ---------- */

static const OgSlice *
values_of_read(const char *operation, const char *json)
{
	const OgColumn *columns = og_provider_operation(&og_btse, operation)->columns;
	OgSlice    *values = palloc(OG_MAX_COLUMNS * sizeof(OgSlice));
	OgSlice		value;
	const char *reason;

	if (!og_json_prove(exactly(json), &value, &reason))
		abort();
	og_pick_columns(columns, value, values);
	return values;
}

static void
is_read(OgStreamKind kind, const char *json, const char *shown)
{
	const char *operation = kind == OG_STREAM_FILLS ? "trade_history" : "trades";
	StringInfoData out;
	OgSlice		values[OG_MAX_COLUMNS];
	const char *problem = og_btse_stream_of_read(kind,
												 values_of_read(operation, json),
												 values);

	initStringInfo(&out);
	if (problem == NULL)
		show_record(&out, og_btse_stream_columns(kind), values);
	else
		appendStringInfoString(&out, problem);
	is_text(out.data, shown, psprintf("read by %s: %s", operation, json));
}

static void
test_reads(void)
{
	/* The page's examples of both reads. */
	is_read(OG_STREAM_FILLS,
			"{\"tradeId\": \"9c6d016f-fbe3-4f82-aecc-8163e9220397\","
			"\"orderId\": \"ba0b69ae-991e-494a-afcb-bfbaeb1adc55\","
			"\"clOrderID\": \"_W_dmoryhbw1698118893191\",\"username\": \"btse\","
			"\"side\": \"BUY\",\"orderType\": 77,\"triggerType\": 0,"
			"\"price\": 34799.000000025,\"size\": 0.4,"
			"\"filledPrice\": 34799.000000026,\"filledSize\": 0.00001,"
			"\"triggerPrice\": 0,\"base\": \"BTC\",\"quote\": \"USDT\","
			"\"symbol\": \"BTC-USDT\",\"feeCurrency\": \"BTC\","
			"\"feeAmount\": 0.000000006,\"wallet\": \"SPOT@\",\"realizedPnl\": 0,"
			"\"total\": 0,\"serialId\": 94711228,\"timestamp\": 1698118893000,"
			"\"avgFilledPrice\": 34799.000000025}",
			" order_id=\"ba0b69ae-991e-494a-afcb-bfbaeb1adc55\""
			" client_order_id=\"_W_dmoryhbw1698118893191\" serial_id=94711228"
			" trade_id=\"9c6d016f-fbe3-4f82-aecc-8163e9220397\" order_type=77"
			" symbol=\"BTC-USDT\" side=\"BUY\" filled_price=34799.000000026"
			" filled_size=0.00001 fee_amount=0.000000006 fee_currency=\"BTC\""
			" base=\"BTC\" quote=\"USDT\" event_time=1698118893000");
	is_read(OG_STREAM_TRADES,
			"{\"price\": 36164,\"size\": 0.035,\"side\": \"SELL\","
			"\"symbol\": \"BTC-USD\",\"serialId\": 85997835,"
			"\"timestamp\": 1624990097000}",
			" symbol=\"BTC-USD\" trade_id=85997835 side=\"SELL\" price=36164"
			" size=0.035 event_time=1624990097000");

	is_read(OG_STREAM_FILLS, "{\"serialId\":1,\"symbol\":\"A-B\",\"price\":1,"
			"\"size\":2}", "has a fill without a price or a size");
	is_read(OG_STREAM_FILLS, "{\"serialId\":1,\"symbol\":\"A-B\",\"price\":1,"
			"\"size\":2,\"filledPrice\":3,\"filledSize\":4,\"maker\":true}",
			" serial_id=1 symbol=\"A-B\" filled_price=3 filled_size=4");
	is_read(OG_STREAM_FILLS, "{\"symbol\":\"A-B\",\"filledPrice\":3,"
			"\"filledSize\":4}", "has a fill that nothing tells apart");
	is_read(OG_STREAM_TRADES, "{\"symbol\":\"A-B\",\"price\":3,\"size\":4}",
			"has a trade without an id");
}

/* ---------- what tells them apart ---------- */

static OgStreamIdentity
identity_of(OgStreamKind kind, const char *text)
{
	OgStreamMessage message;
	OgStreamIdentity identity;

	if (!og_btse_stream_read(exactly(text), &message) || message.nrecords != 1)
		abort();
	og_btse_stream_identify(kind, message.records[0].values, &identity);
	return identity;
}

/* Once one was remembered, is the other one seen? */
static bool
is_seen(const OgStreamIdentity *one, const OgStreamIdentity *other)
{
	for (int i = 0; one->remember[i] != NULL; i++)
	{
		for (int j = 0; other->known_as[j] != NULL; j++)
		{
			if (strcmp(one->remember[i], other->known_as[j]) == 0)
				return true;
		}
	}
	return false;
}

#define NUMBERED(serial, trade, side) \
	FILL("\"serialId\":" serial ",\"tradeId\":\"" trade "\"," \
		 "\"orderId\":\"o\",\"side\":\"" side "\"," FILLED)
#define UNNUMBERED(trade, side) \
	FILL("\"tradeId\":\"" trade "\"," \
		 "\"orderId\":\"o\",\"side\":\"" side "\"," FILLED)

static void
test_identity(void)
{
	static const struct
	{
		const char *one;
		const char *other;
		bool		same;
	}			cases[] = {
		{NUMBERED("1", "t", "BUY"), NUMBERED("1", "t", "BUY"), true},
		{NUMBERED("1", "t", "BUY"), NUMBERED("\"1\"", "u", "BUY"), true},
		{NUMBERED("1", "t", "BUY"), NUMBERED("1.0", "t", "BUY"), true},
		{NUMBERED("1", "t", "BUY"), NUMBERED("2", "t", "BUY"), false},
		{NUMBERED("1", "t", "BUY"), UNNUMBERED("t", "BUY"), true},
		{NUMBERED("1", "t", "BUY"), UNNUMBERED("t", "MODE_BUY"), true},
		{NUMBERED("1", "t", "buy"), UNNUMBERED("t", "Buy"), true},
		{NUMBERED("1", "t", "BUY"), UNNUMBERED("t", "SELL"), false},
		{NUMBERED("1", "t", "BUY"), UNNUMBERED("u", "BUY"), false},
		{UNNUMBERED("t", "BUY"), UNNUMBERED("t", "BUY"), true},
		{UNNUMBERED("t", "BUY"), UNNUMBERED("t", "SELL"), false},
		{UNNUMBERED("t", "BUY"), UNNUMBERED("u", "BUY"), false},
		{FILL("\"serialId\":1," FILLED), NUMBERED("1", "t", "BUY"), true},
		{FILL("\"serialId\":1," FILLED), UNNUMBERED("t", "BUY"), false},
	};
	OgStreamIdentity trade = identity_of(OG_STREAM_TRADES,
										 TRADE("\"tradeId\":5," TRADED));
	OgStreamIdentity none;

	for (int i = 0; i < lengthof(cases); i++)
	{
		OgStreamIdentity one = identity_of(OG_STREAM_FILLS, cases[i].one);
		OgStreamIdentity other = identity_of(OG_STREAM_FILLS, cases[i].other);

		ok(is_seen(&one, &other) == cases[i].same &&
		   is_seen(&other, &one) == cases[i].same, "\"%s\" and \"%s\" are %s",
		   one.id, other.id, cases[i].same ? "the same" : "two");
		ok(is_seen(&one, &one) && is_seen(&other, &other),
		   "... and each is itself");
	}
	is_text(trade.id, "5", "a trade has its number");
	ok(trade.remember[1] == NULL && trade.known_as[1] == NULL,
	   "... and no other name");
	og_btse_stream_identify(OG_STREAM_NOTIFICATIONS, NULL, &none);
	ok(none.id == NULL && none.remember[0] == NULL && none.known_as[0] == NULL,
	   "nothing tells notifications apart");
}

/* ---------- what is said of acts ---------- */

/* Statuses as "2 5 F", F for a fill: what follows for an act? */
static OgVerdict
follows(OgStreamAct act, const char *statuses, bool *is_weak)
{
	OgStreamTold told = {0};
	char	   *copy = pstrdup(statuses);

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
	{
		if (strcmp(word, "F") == 0)
			og_btse_stream_filled(&told, act);
		else
			og_btse_stream_notified(&told, act, strtoll(word, NULL, 10));
	}
	*is_weak = told.is_weak;
	return og_btse_stream_verdict(&told);
}

static void
test_acts(void)
{
	static const struct
	{
		const char *statuses;
		OgVerdict	create;
		OgVerdict	cancel;
		OgVerdict	amend;
		bool		is_weak;	/* what is said of a create */
	}			cases[] = {
		{"", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"1", OG_REJECTED, OG_UNKNOWN, OG_UNKNOWN, true},
		{"2", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"3", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"4", OG_ACCEPTED, OG_NOT_CANCELLABLE, OG_UNKNOWN},
		{"5", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"6", OG_ACCEPTED, OG_CANCELLED, OG_UNKNOWN},
		{"7", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"8", OG_REJECTED, OG_UNKNOWN, OG_UNKNOWN, true},
		{"9", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"10", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"12", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"15", OG_UNKNOWN, OG_UNKNOWN, OG_REJECTED},
		{"16", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"27", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"28", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"41", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"64", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"101", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"123", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"1003", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"1004", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"-1", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"4294967298", OG_UNKNOWN, OG_UNKNOWN, OG_UNKNOWN},
		{"F", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},

		/* That it was refused holds only if nothing else is told. */
		{"8 2", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"2 8", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"8 1 8", OG_REJECTED, OG_UNKNOWN, OG_UNKNOWN, true},
		{"1 F", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"8 64", OG_REJECTED, OG_UNKNOWN, OG_UNKNOWN, true},
		{"2 5 5 4", OG_ACCEPTED, OG_NOT_CANCELLABLE, OG_UNKNOWN},
		{"2 5 15 6", OG_ACCEPTED, OG_CANCELLED, OG_REJECTED},

		/* Both cannot be. */
		{"4 6", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
		{"6 4 6", OG_ACCEPTED, OG_UNKNOWN, OG_UNKNOWN},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		bool		is_weak;
		bool		weak_cancel;
		OgVerdict	create = follows(OG_STREAM_CREATE, cases[i].statuses, &is_weak);
		OgVerdict	cancel = follows(OG_STREAM_CANCEL, cases[i].statuses,
									 &weak_cancel);

		ok(create == cases[i].create && is_weak == cases[i].is_weak,
		   "after \"%s\" a create is %s%s", cases[i].statuses,
		   og_verdict_name(create), is_weak ? ", if that is all" : "");
		ok(cancel == cases[i].cancel && !weak_cancel, "... a cancel %s",
		   og_verdict_name(cancel));
		ok(follows(OG_STREAM_AMEND, cases[i].statuses, &weak_cancel) ==
		   cases[i].amend, "... and an amend %s", og_verdict_name(cases[i].amend));
	}
}

static void
test_states(void)
{
	static const OgOrderState states[] = {
		[0] = OG_ORDER_UNKNOWN, [1] = OG_ORDER_UNKNOWN, [2] = OG_ORDER_OPEN,
		[3] = OG_ORDER_FILLED, [4] = OG_ORDER_FILLED,
		[5] = OG_ORDER_PARTLY_FILLED, [6] = OG_ORDER_CANCELLED,
		[7] = OG_ORDER_UNKNOWN, [8] = OG_ORDER_UNKNOWN, [9] = OG_ORDER_OPEN,
		[10] = OG_ORDER_OPEN, [11] = OG_ORDER_UNKNOWN
	};

	for (int i = 0; i < lengthof(states); i++)
		ok(og_btse_stream_state(i) == states[i], "after %d an order is %s", i,
		   og_order_state_name(states[i]));
	ok(og_btse_stream_state(PG_INT64_MIN) == OG_ORDER_UNKNOWN,
	   "of any other status nothing is known");
}

int
main(void)
{
	test_trades();
	test_fills();
	test_long_ids();
	test_notifications();
	test_raw();
	test_reads();
	test_identity();
	test_acts();
	test_states();
	return done_testing();
}
