/*-------------------------------------------------------------------------
 *
 * test_acts.c
 *		Acts that are no cancels: their requests byte for byte, and what their
 *		answers say.
 *
 * Arguments are written as "name=value name=value", the key first.  In bodies
 * and in what is expected, ' stands for ".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "answers.h"
#include "tap.h"

#define TIME_MS	INT64CONST(1624985375123)

static const char *const account[] = {
	"4e9536c79f0fdd72bf04f2430982d3f61d9d76c996f0175bbba470d69d59816x",
	"848db84ac252b6726e5f6e7a711d9c96d9fd77d020151b45839a5b59c37203bx"
};

/* Split "key name=value name=value". */
static OgBatch
make_batch(const char *asked, OgFields *arguments, OgSlice *key)
{
	OgBatch		batch = {arguments, key, 1};
	char	   *text = pstrdup(asked);
	char	   *word = strtok(text, " ");

	memset(arguments, 0, sizeof(*arguments));
	*key = og_slice_of(word);
	while ((word = strtok(NULL, " ")) != NULL)
	{
		char	   *value = strchr(word, '=');

		*value = '\0';
		og_fields_add(arguments, word, value + 1);
	}
	return batch;
}

/* "POST path?query body signature", or NULL if it cannot be built. */
static char *
request_text(const char *name, const char *asked)
{
	const OgOperation *operation = og_provider_operation(&og_btse, name);
	OgSigner	signer = {account, NULL, TIME_MS};
	OgFields	arguments;
	OgSlice		key;
	OgBatch		batch = make_batch(asked, &arguments, &key);
	OgRequest	request;
	StringInfoData text;

	og_request_init(&request, OG_GET, "");
	if (!og_build_request(operation, &request, &batch) ||
		!og_btse.sign(&request, &signer))
		return NULL;
	initStringInfo(&text);
	appendStringInfo(&text, "%s ", og_method_name(request.method));
	og_append_url(&text, "", &request, false);
	appendStringInfo(&text, " %s %s", request.body.data,
					 og_fields_get(&request.headers, "request-sign"));
	ok(request.body.len == 0 ||
	   strcmp(og_fields_get(&request.headers, "Content-Type"),
			  "application/json") == 0, "%s: a body is called JSON", name);
	return text.data;
}

/* ---------- requests ---------- */

static const struct
{
	const char *operation;
	const char *asked;
	const char *expected;
}			requests[] = {
	{"create_order",
		"a1 symbol=BTC-USD side=BUY type=LIMIT size=0.002 price=8500.0",
		"POST /api/v3.3/order {'clOrderID':'a1','symbol':'BTC-USD',"
		"'side':'BUY','type':'LIMIT','size':0.002,'price':8500.0} "
		"fa340586c4e100a3bd5b8374abee460d449be33ff3c5b64906bbf18cd833790d"
	"b19080c07979f0832bf79e609b33df96"},
	{"create_order",
		"a1 symbol=BTC-USD side=BUY type=PEG size=10 price=25000 stealth=10 "
		"deviation=-10",
		"POST /api/v3.3/order/peg {'clOrderID':'a1','symbol':'BTC-USD',"
		"'side':'BUY','type':'PEG','size':10,'price':25000,'stealth':10,"
		"'deviation':-10} "
		"59f70f599f5efee612fa970432521369b05fae8664db93870d26d461e70d5e92"
	"e04e7d3b474998c8337c915c9cc27169"},
	{"amend_order",
		"25248336-66d8-41ff-99fd-83489c4e6029 by=order_id symbol=BTC-USD "
		"price=35000",
		"PUT /api/v3.3/order {'orderID':"
		"'25248336-66d8-41ff-99fd-83489c4e6029','symbol':'BTC-USD',"
		"'type':'PRICE','value':35000} "
		"c389283e4a84733e36fa935119600ab9fdc6eee603ad3a1b388c292d628d67a2"
	"b11e7f620aa3b9014ab855cd866bc3b9"},
	{"cancel_all", "BTC-USD",
		"DELETE /api/v3.3/order?symbol=BTC-USD  "
		"6b7a6208bcc7748d2702c3a86fa4b055b389a649dfd4afe538f0767d67ff061b"
	"9deb7be0f35fb68c0259a38a91302a9a"},
	{"cancel_all_after", "60000",
		"POST /api/v3.3/order/cancelAllAfter {'timeout':60000} "
		"823ca3d10d88544af000c31d4f336fa3717c1ae098b8ad14c6ea72e42c7f5613"
	"42bddae7bd0637a752e026230cae5930"},
	{"invest_deposit", "openusdt0001 amount=100.99",
		"POST /api/v3.3/invest/deposit {'productId':'openusdt0001',"
		"'amount':100.99} "
		"5d6ddce1a48787109003b6d37c782270ddb853a2b6cb6f0347c1b73bca0d31bf"
	"fee2e9a635437df58345e711789d403c"},
	{"invest_renew", "9223372036854775807 auto_renew=false",
		"POST /api/v3.3/invest/renew {'orderId':9223372036854775807,"
		"'autoRenew':false} "
		"d851dcb1fbe433545f752cdc599f345c8ced33317df4e5c735c103489fe385bb"
	"8b54d9a7dc43682fbb598f4067f08ca4"},
	{"invest_redeem", "1 amount=12.34",
		"POST /api/v3.3/invest/redeem {'orderId':1,'amount':12.34} "
		"8a8c0fc1930586b9c6e275b1741bcb91199bc75655c6ce073586d923b947d413"
	"781d810578dc8e02f093e1b5e8a132d1"},
};

/* What cannot be asked for. */
static const struct
{
	const char *operation;
	const char *asked;
}			impossible[] = {
	{"create_order", "a side=BUY type=LIMIT size=1 price=1"},
	{"create_order", "a symbol=B type=LIMIT size=1 price=1"},
	{"create_order", "a symbol=B side=BUY size=1 price=1"},
	{"create_order", "a symbol=B side=BUY type=LIMIT price=1"},
	{"create_order", "a symbol=B side=BUY type=LIMIT size=NaN price=1"},
	{"create_order", "a symbol=B side=BUY type=LIMIT size=1,'x':1 price=1"},
	{"create_order", "a symbol=B side=BUY type=LIMIT size=[1] price=1"},
	{"create_order", "a symbol=B side=BUY type=LIMIT size=01 price=1"},
	{"create_order", "a symbol=B side=BUY type=LIMIT size=1 post_only=t"},
	{"amend_order", "a by=order_id symbol=B"},
	{"amend_order", "a by=order_id price=1"},
	{"amend_order", "a by=symbol symbol=B price=1"},
	{"amend_order", "a symbol=B price=1"},
	{"amend_order", "a by=order_id symbol=B price=x"},
	{"cancel_all_after", "x"},
	{"invest_deposit", "p"},
	{"invest_renew", "1"},
	{"invest_renew", "x auto_renew=true"},
	{"invest_renew", "1 auto_renew=yes"},
	{"invest_redeem", "1"},
	{"invest_redeem", "x amount=1"},
};

static void
test_requests(void)
{
	for (size_t i = 0; i < lengthof(requests); i++)
		is_text(request_text(requests[i].operation, requests[i].asked),
				quoted(requests[i].expected),
				psprintf("%s: a request", requests[i].operation));
	for (size_t i = 0; i < lengthof(impossible); i++)
		ok(request_text(impossible[i].operation, impossible[i].asked) == NULL,
		   "%s: none of %s", impossible[i].operation, impossible[i].asked);
}

/* A key that names nothing; above all, no market. */
static void
test_nameless(void)
{
	for (const OgOperation *operation = og_btse.operations;
		 operation->name != NULL; operation++)
	{
		OgFields	arguments = {0};
		OgSlice		key = og_slice_of("");
		OgBatch		batch = {&arguments, &key, 1};
		OgRequest	request;

		if (operation->kind != OG_ACT)
			continue;
		og_fields_add(&arguments, "symbol", "B");
		og_fields_add(&arguments, "side", "BUY");
		og_fields_add(&arguments, "type", "MARKET");
		og_fields_add(&arguments, "size", "1");
		og_fields_add(&arguments, "by", "order_id");
		og_request_init(&request, OG_GET, "");
		ok(!og_build_request(operation, &request, &batch), "%s: no empty key",
		   operation->name);
		key = og_slice_of(" ");
		ok(!og_build_request(operation, &request, &batch), "%s: no blank key",
		   operation->name);
		batch.nkeys = 0;
		ok(!og_build_request(operation, &request, &batch), "%s: not without a key",
		   operation->name);
	}
}

/* ---------- answers ---------- */

#define O(id, client, status) \
	"{'status':" #status ",'orderID':" #id ",'clOrderID':" #client ",'message':''}"
#define M(id, symbol, status) \
	"{'status':" #status ",'orderID':" #id ",'symbol':" #symbol ",'message':''}"
#define LIMIT	"c type=LIMIT"

/* A new order in all that it must not contradict, bought and of type LIMIT. */
#define N(id, symbol, side, type, status) \
	"{'status':" #status ",'orderID':" #id ",'symbol':" #symbol ",'side':" \
	#side ",'orderType':" #type ",'clOrderID':'c','message':''}"
#define BUY	"c type=LIMIT side=BUY symbol=B-U"
#define OCO	"c type=OCO side=BUY symbol=B-U"
#define MISSING_LEG \
	"unknown|-|the answer names one of the two orders that an OCO order is|-"
#define OTHER_SIDE	"unknown|-|the answer names an order of the other side|"
#define MARKET_ORDER \
	"unknown|-|the answer names a MARKET order, which was not asked for|"
#define OTHER_MARKET	"unknown|-|the answer names an order of another market|"
#define ERROR_401	"{'errorCode':401,'message':'no','status':401}"

static const struct
{
	const char *name;
	const char *operation;
	const char *asked;
	int			status;
	const char *body;
	const char *expected;
}			answers[] = {
	{"an order", "create_order", LIMIT, 200, "[" O('o', 'c', 2) "]",
	"accepted|2||" O('o', 'c', 2)},
	{"escaped", "create_order", LIMIT, 200,
		"[{'status':2,'clOrderID':'\\u0063'}]",
	"accepted|2|-|{'status':2,'clOrderID':'\\u0063'}"},
	{"both legs", "create_order", "c type=OCO", 200,
		"[" O('o', 'c', 2) "," O('p', 'c', 9) "]",
	"accepted|2||" O('o', 'c', 2) "\n+accepted|9||" O('p', 'c', 9)},
	{"a leg without the id", "create_order", "c type=OCO", 200,
		"[" O('o', 'c', 2) "," O('p', null, 9) "]",
	"accepted|2||" O('o', 'c', 2) "\n+accepted|9||" O('p', null, 9)},
	{"a leg is missing", "create_order", OCO, 200, "[" O('o', 'c', 2) "]",
	"accepted|2||" O('o', 'c', 2) "\n+" MISSING_LEG},
	{"a leg said twice", "create_order", OCO, 200,
		"[" O('o', 'c', 9) "," O('o', 'c', 9) "]",
	"accepted|9||" O('o', 'c', 9) "\n+" MISSING_LEG},
	{"one leg, and refused", "create_order", OCO, 200, "[" O('o', 'c', 15) "]",
	"rejected|15||" O('o', 'c', 15) "\n+" MISSING_LEG},
	{"one leg, and a stranger", "create_order", OCO, 200,
		"[" O('o', 'c', 2) "," O('p', 'd', 9) "]",
	"accepted|2||" O('o', 'c', 2) "\n+" MISSING_LEG "\nforeign 1"},
	{"one leg without an id", "create_order", OCO, 200, "[" O('', 'c', 2) "]",
	"accepted|2||" O('', 'c', 2) "\n+" MISSING_LEG},
	{"one leg, under an error", "create_order", OCO, 400,
		"[" O('o', 'c', 2) "]",
		"unknown|2||" O('o', 'c', 2)
	"\n+unknown|-|HTTP 400 Bad Request|-"},
	{"refused as a whole", "create_order", OCO, 200, "[" O('', 'c', 8) "]",
	"rejected|8||" O('', 'c', 8)},
	{"too frequent as a whole", "create_order", OCO, 200,
	"[" O('', 'c', 303) "]", "too_frequent|303||" O('', 'c', 303)},
	{"no leg at all", "create_order", OCO, 200, "[]",
	"unknown|-|the answer does not carry the id of this order|-"},
	{"three legs", "create_order", OCO, 200,
		"[" O('o', 'c', 2) "," O('p', 'c', 9) "," O('q', 'c', 9) "]",
		"accepted|2||" O('o', 'c', 2) "\n+accepted|9||" O('p', 'c', 9)
	"\n+accepted|9||" O('q', 'c', 9)},
	{"a leg of another market", "create_order", OCO, 200,
		"[" N('o', 'B-U', 'BUY', 76, 2) "," N('p', 'E-U', 'BUY', 76, 9) "]",
		"accepted|2||" N('o', 'B-U', 'BUY', 76, 2) "\n+" OTHER_MARKET
	N('p', 'E-U', 'BUY', 76, 9) "\nforeign 1"},
	{"as asked for", "create_order", BUY, 200,
		"[" N('o', 'b-u', 'buy', 76, 2) "]",
	"accepted|2||" N('o', 'b-u', 'buy', 76, 2)},
	{"a side by its code", "create_order", BUY, 200,
		"[" N('o', 'B-U', 66, 80, 2) "]",
	"accepted|2||" N('o', 'B-U', 66, 80, 2)},
	{"a side that is not told", "create_order", BUY, 200,
		"[" N('o', null, null, null, 2) "]",
	"accepted|2||" N('o', null, null, null, 2)},
	{"another market", "create_order", BUY, 200,
		"[" N('o', 'E-U', 'BUY', 76, 2) "]",
	OTHER_MARKET N('o', 'E-U', 'BUY', 76, 2) "\nforeign 1"},
	{"the other side", "create_order", BUY, 200,
		"[" N('o', 'B-U', 'SELL', 76, 2) "]",
	OTHER_SIDE N('o', 'B-U', 'SELL', 76, 2) "\nforeign 1"},
	{"the other side", "create_order", BUY, 200,
		"[" N('o', 'B-U', 'Mode_Sell', 76, 4) "]",
	OTHER_SIDE N('o', 'B-U', 'Mode_Sell', 76, 4) "\nforeign 1"},
	{"the other side", "create_order", BUY, 200,
		"[" N('o', 'B-U', 83, 76, 4) "]",
	OTHER_SIDE N('o', 'B-U', 83, 76, 4) "\nforeign 1"},
	{"the other side, refused", "create_order", BUY, 200,
		"[" N('o', 'B-U', 'SELL', 76, 15) "]",
	OTHER_SIDE N('o', 'B-U', 'SELL', 76, 15) "\nforeign 1"},
	{"any price", "create_order", BUY, 200, "[" N('o', 'B-U', 'BUY', 77, 4) "]",
	MARKET_ORDER N('o', 'B-U', 'BUY', 77, 4) "\nforeign 1"},
	{"any price, as asked for", "create_order", "c type=MARKET side=SELL", 200,
		"[" N('o', 'B-U', 'SELL', 77, 4) "]",
	"accepted|4||" N('o', 'B-U', 'SELL', 77, 4)},
	{"a bound that was not asked for", "create_order", "c type=MARKET", 200,
		"[" N('o', 'B-U', 'SELL', 76, 4) "]",
	"accepted|4||" N('o', 'B-U', 'SELL', 76, 4)},
	{"refused, and nobody knows it", "create_order",
		"c type=LIMIT side=SELL symbol=B-U", 200,
		"[" N('', 'B-null', 'BUY', 0, 15) "]",
	"rejected|15||" N('', 'B-null', 'BUY', 0, 15)},
	{"taken, and nobody knows it", "create_order",
		"c type=LIMIT side=SELL symbol=B-U", 200,
		"[" N('o', 'B-U', 'BUY', 0, 2) "]",
	OTHER_SIDE N('o', 'B-U', 'BUY', 0, 2) "\nforeign 1"},
	{"the same order bought and sold", "create_order", BUY, 200,
		"[" N('o', 'B-U', 'BUY', 76, 2) "," N('o', 'B-U', 'SELL', 76, 2) "]",
		"unknown|-|the answer contradicts itself about this order|"
	N('o', 'B-U', 'BUY', 76, 2) "\nforeign 1"},
	{"post only, and over", "create_order", BUY " post_only=true", 200,
	"[" O('o', 'c', 6) "]", "accepted|6||" O('o', 'c', 6)},
	{"not post only, and over", "create_order", BUY " post_only=false", 200,
	"[" O('o', 'c', 6) "]", "unknown|6||" O('o', 'c', 6)},
	{"post only, and refunded", "create_order", BUY " post_only=true", 200,
	"[" O('o', 'c', 7) "]", "unknown|7||" O('o', 'c', 7)},
	{"a stranger beside it", "create_order", LIMIT, 200,
		"[" O('o', 'c', 2) "," O('p', 'd', 2) "]",
	"accepted|2||" O('o', 'c', 2) "\nforeign 1"},
	{"a stranger alone", "create_order", LIMIT, 200, "[" O('p', 'd', 2) "]",
		"unknown|-|the answer does not carry the id of this order|"
	O('p', 'd', 2) "\nforeign 1"},
	{"without the id", "create_order", LIMIT, 200, "[" O('o', null, 2) "]",
		"unknown|-|the answer does not carry the id of this order|"
	O('o', null, 2) "\nforeign 1"},
	{"torn", "create_order", LIMIT, 200,
		"[" O('o', 'c', 2) "," O('o', 'c', 15) "]",
		"unknown|-|the answer contradicts itself about this order|"
	O('o', 'c', 2)},
	{"no order", "create_order", LIMIT, 200, "[]",
	"unknown|-|the answer does not carry the id of this order|-"},
	{"refused", "create_order", LIMIT, 200, "[" O('', 'c', 8) "]",
	"rejected|8||" O('', 'c', 8)},
	{"cancelled, though it may rest", "create_order", LIMIT, 200,
	"[" O('o', 'c', 6) "]", "unknown|6||" O('o', 'c', 6)},
	{"cancelled at once", "create_order", "c type=MARKET", 200,
	"[" O('o', 'c', 6) "]", "accepted|6||" O('o', 'c', 6)},
	{"cancelled at once", "create_order", "c type=LIMIT time_in_force=IOC", 200,
	"[" O('o', 'c', 6) "]", "accepted|6||" O('o', 'c', 6)},
	{"cancelled at once", "create_order", "c type=LIMIT time_in_force=FOK", 200,
	"[" O('o', 'c', 6) "]", "accepted|6||" O('o', 'c', 6)},
	{"status as text", "create_order", LIMIT, 200, "[" O('o', 'c', '2') "]",
	"accepted|2||" O('o', 'c', '2')},
	{"2.0 is not 2", "create_order", LIMIT, 200, "[" O('o', 'c', 2.0) "]",
	"unknown|2.0||" O('o', 'c', 2.0)},
	{"an order under an error", "create_order", LIMIT, 400,
	"[" O('o', 'c', 2) "]", "unknown|2||" O('o', 'c', 2)},
	{"too frequent", "create_order", LIMIT, 429, "[" O('', 'c', 303) "]",
	"too_frequent|303||" O('', 'c', 303)},
	{"an order was made, and too frequent", "create_order", LIMIT, 200,
	"[" O('o', 'c', 303) "]", "unknown|303||" O('o', 'c', 303)},
	{"an order, too frequent", "create_order", LIMIT, 429,
	"[" O('o', 'c', 2) "]", "unknown|2||" O('o', 'c', 2)},
	{"an error", "create_order", LIMIT, 401, ERROR_401,
	"rejected|401|no|-"},
	{"an error called a success", "create_order", LIMIT, 200, ERROR_401,
	"unknown|401|no|-"},
	{"amended", "amend_order", "o by=order_id", 200, "[" O('o', 'c', 2) "]",
	"accepted|2||" O('o', 'c', 2)},
	{"amended", "amend_order", "c by=client_order_id", 200,
	"[" O('o', 'c', 9) "]", "accepted|9||" O('o', 'c', 9)},
	{"of another market", "amend_order", "o by=order_id symbol=B-U", 200,
		"[" M('o', 'E-U', 2) "]",
	OTHER_MARKET M('o', 'E-U', 2) "\nforeign 1"},
	{"another side than any", "amend_order", "o by=order_id symbol=B-U", 200,
		"[" N('o', 'B-U', 'SELL', 77, 2) "]",
	"accepted|2||" N('o', 'B-U', 'SELL', 77, 2)},
	{"the page's own refusal", "amend_order", "o by=order_id symbol=BTC-USD",
		200, "[" N('o', 'BTC-null', 'BUY', 0, 15) "]",
	"rejected|15||" N('o', 'BTC-null', 'BUY', 0, 15)},
	{"another order", "amend_order", "o by=order_id", 200,
		"[" O('o', 'c', 2) "," O('p', 'c', 2) "]",
	"accepted|2||" O('o', 'c', 2) "\nforeign 1"},
	{"not found", "amend_order", "o by=order_id", 200, "[" O('o', '', 16) "]",
	"not_found|16||" O('o', '', 16)},
	{"cancelled", "amend_order", "o by=order_id", 200, "[" O('o', '', 6) "]",
	"unknown|6||" O('o', '', 6)},
	{"all", "cancel_all", "B-U", 200,
		"[" M('o', 'B-U', 6) "," M('p', 'b-u', 6) "," M('q', 'B-U', 4) ","
		M('r', 'B-U', 2) "]",
		"cancelled|6||" M('o', 'B-U', 6) "\n+cancelled|6||" M('p', 'b-u', 6)
		"\n+not_cancellable|4||" M('q', 'B-U', 4)
	"\n+unknown|2||" M('r', 'B-U', 2)},
	{"one of them too frequent", "cancel_all", "B-U", 200,
		"[" M('o', 'B-U', 6) "," M('p', 'B-U', 303) "]",
		"cancelled|6||" M('o', 'B-U', 6) "\n+rejected|303||"
	M('p', 'B-U', 303)},
	{"too frequent", "cancel_all", "B-U", 200, "[" M('p', 'B-U', 303) "]",
	"rejected|303||" M('p', 'B-U', 303)},
	{"none", "cancel_all", "B-U", 200, "[]", "accepted|-|-|-"},
	{"none, under an error", "cancel_all", "B-U", 400, "[]",
	"unknown|-|HTTP 400 Bad Request|-"},
	{"none, too frequent", "cancel_all", "B-U", 429, "[]",
	"unknown|-|HTTP 429 Too Many Requests|-"},
	{"another market", "cancel_all", "B-U", 200,
		"[" M('o', 'B-U', 6) "," M('p', 'B-UT', 6) "]",
		"cancelled|6||" M('o', 'B-U', 6)
		"\n+unknown|-|the answer names an order of another market|"
	M('p', 'B-UT', 6) "\nforeign 1"},
	{"an error", "cancel_all", "B-U", 401, ERROR_401, "rejected|401|no|-"},
	{"not a list", "cancel_all", "B-U", 200, "null",
	"unknown|-|the answer is not a list of orders|-"},
	{"nothing", "cancel_all_after", "1", 200, "", "accepted|-|-|-"},
	{"nothing, another status", "cancel_all_after", "1", 201, "",
	"accepted|-|-|-"},
	{"nothing, another status", "cancel_all_after", "1", 204, "",
	"accepted|-|-|-"},
	{"nothing, refused", "cancel_all_after", "1", 400, "",
	"rejected|-|HTTP 400 Bad Request|-"},
	{"nothing, too frequent", "cancel_all_after", "1", 429, "",
	"too_frequent|-|HTTP 429 Too Many Requests|-"},
	{"nothing, broken", "cancel_all_after", "1", 500, "",
	"unknown|-|HTTP 500 Internal Server Error|-"},
	{"nothing but a blank", "cancel_all_after", "1", 200, " \r\n",
	"accepted|-|-|-"},
	{"nothing in an object", "cancel_all_after", "1", 200, "{}",
	"accepted|-|-|-"},
	{"nothing in a list", "invest_deposit", "p amount=1", 200, "[]",
	"accepted|-|-|-"},
	{"nothing in a text", "cancel_all_after", "1", 200, "''",
	"accepted|-|-|-"},
	{"null", "invest_redeem", "1 amount=1", 200, "null", "accepted|-|-|-"},
	{"true", "cancel_all_after", "1", 200, "true", "accepted|-|-|-"},
	{"what was sent", "cancel_all_after", "1", 200, "{'timeout':1}",
	"accepted|-|-|-"},
	{"something else than was sent", "cancel_all_after", "1", 200,
		"{'timeout':0}",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"something else than was sent", "invest_deposit", "p amount=1", 200,
		"{'productId':'q'}",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"what was sent, spelled in another way", "invest_deposit",
		"p amount=1.50", 200, "{'productId':'p','amount':15e-1}",
	"accepted|-|-|-"},
	{"what was sent, spelled in another way", "invest_redeem",
		"1 amount=0.00", 200, "{'orderId':'1','amount':'-0'}",
	"accepted|-|-|-"},
	{"another amount", "invest_deposit", "p amount=1.50", 200,
		"{'productId':'p','amount':1.05}",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"an amount that is none", "invest_redeem", "1 amount=1", 200,
		"{'amount':true}",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"a success", "cancel_all_after", "1", 200,
	"{'status':20,'message':'ok'}", "accepted|20|ok|-"},
	{"a success", "invest_deposit", "p amount=1", 200,
	"{'code':200,'msg':'ok','success':true}", "accepted|200|ok|-"},
	{"a message", "cancel_all_after", "1", 200, "{'message':'no'}",
	"unknown|-|no|-"},
	{"another code", "cancel_all_after", "1", 200, "{'status':15}",
	"unknown|15|the answer has a body, which is not documented|-"},
	{"an error", "cancel_all_after", "1", 200, "{'error':'no','status':200}",
	"unknown|200|the answer has a body, which is not documented|-"},
	{"no success", "invest_deposit", "p amount=1", 200, "{'success':false}",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"false", "cancel_all_after", "1", 200, "false",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"a number", "cancel_all_after", "1", 200, "0",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"a text", "cancel_all_after", "1", 200, "'no'",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"a list", "cancel_all_after", "1", 200, "[0]",
	"unknown|-|the answer has a body, which is not documented|-"},
	{"nothing in an object, refused", "cancel_all_after", "1", 400, "{}",
	"rejected|-|HTTP 400 Bad Request|-"},
	{"nothing in an object, broken", "cancel_all_after", "1", 500, "{}",
	"unknown|-|HTTP 500 Internal Server Error|-"},
	{"an error", "cancel_all_after", "1", 401, ERROR_401,
	"rejected|401|no|-"},
	{"nothing", "invest_deposit", "p amount=1", 200, "", "accepted|-|-|-"},
	{"nothing", "invest_redeem", "1 amount=1", 200, "", "accepted|-|-|-"},
	{"nothing", "invest_renew", "1 auto_renew=true", 200, "",
	"unknown|-|the answer is empty|-"},
	{"nothing", "create_order", LIMIT, 200, "",
	"unknown|-|the answer is empty|-"},
	{"as asked", "invest_renew", "1 auto_renew=true", 200,
		"{'orderId':1,'autoRenew':true}",
	"accepted|-|-|{'orderId':1,'autoRenew':true}"},
	{"as asked", "invest_renew", "1 auto_renew=false", 200,
		"{'orderId':'1','autoRenew':false}",
	"accepted|-|-|{'orderId':'1','autoRenew':false}"},
	{"the contrary", "invest_renew", "1 auto_renew=false", 200,
		"{'orderId':1,'autoRenew':true}",
		"unknown|-|the answer does not confirm what was asked for|"
	"{'orderId':1,'autoRenew':true}"},
	{"another", "invest_renew", "1 auto_renew=true", 200,
		"{'orderId':2,'autoRenew':true}",
	"unknown|-|the answer does not confirm what was asked for|-"},
	{"text for true", "invest_renew", "1 auto_renew=true", 200,
		"{'orderId':1,'autoRenew':'true'}",
		"unknown|-|the answer does not confirm what was asked for|"
	"{'orderId':1,'autoRenew':'true'}"},
	{"an error", "invest_renew", "1 auto_renew=true", 401, ERROR_401,
	"rejected|401|no|-"},
};

static void
test_answers(void)
{
	for (size_t i = 0; i < lengthof(answers); i++)
	{
		const OgOperation *operation =
			og_provider_operation(&og_btse, answers[i].operation);
		OgFields	arguments;
		OgSlice		key;
		OgBatch		batch = make_batch(answers[i].asked, &arguments, &key);
		OgResponse	response = {
			.delivery = OG_ANSWERED,
			.delimited = true,
			.status = answers[i].status,
			.body = og_slice_of(quoted(answers[i].body))
		};

		is_text(outcomes_text(operation, &batch, &response),
				quoted(answers[i].expected),
				psprintf("%s %d: %s", answers[i].operation, answers[i].status,
						 answers[i].name));
	}
}

/* A body that ends where the connection does may have been lost. */
static void
test_end_of_connection(void)
{
	const OgOperation *operation = og_provider_operation(&og_btse,
														 "cancel_all_after");
	OgFields	arguments;
	OgSlice		key;
	OgBatch		batch = make_batch("1", &arguments, &key);
	OgResponse	response = {
		.delivery = OG_ANSWERED,
		.status = 200,
		.body = og_slice_of("")
	};

	is_text(outcomes_text(operation, &batch, &response),
			"unknown|-|the answer is empty|-",
			"nothing, in an answer that does not tell where it ends");
	response.delivery = OG_NO_ANSWER;
	is_text(outcomes_text(operation, &batch, &response),
			"unknown|-|no whole answer came back|-", "half an answer");
}

/* A market may have more orders than one id stands for. */
static void
test_many_cancelled(void)
{
	const OgOperation *operation = og_provider_operation(&og_btse,
														 "cancel_all");
	OgFields	arguments;
	OgSlice		key;
	OgBatch		batch = make_batch("B-U", &arguments, &key);

	for (int count = 10000; count <= 10001; count++)
	{
		OgResponse	response = {.delivery = OG_ANSWERED, .status = 200};
		OgCollected collected;
		StringInfoData body;
		int			rows = 0;

		initStringInfo(&body);
		for (int i = 1; i <= count; i++)
			appendStringInfo(&body,
							 "%c{\"orderID\":%d,\"symbol\":\"B-U\",\"status\":6}",
							 i == 1 ? '[' : ',', i);
		appendStringInfoChar(&body, ']');
		response.body = og_slice(body.data, body.len);
		og_collect(&collected, operation, &batch, &response);
		for (OgOutcome *o = collected.outcomes; o; o = o->next)
			rows += o->verdict == OG_CANCELLED;
		is_number(rows, count == 10000 ? count : 0, "orders of a market");
		if (count > 10000)
			is_text(collected.outcomes->message,
					"the answer names more than 10000 orders",
					"one too many");
	}
}

int
main(void)
{
	test_requests();
	test_nameless();
	test_answers();
	test_end_of_connection();
	test_many_cancelled();
	return done_testing();
}
