/*-------------------------------------------------------------------------
 *
 * test_answers.c
 *		Answers, and what every order of a request gets from them.
 *
 * One row is one answer; see answers.h for how what is expected is written.
 * In bodies and in what is expected, ' stands for ".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "answers.h"
#include "tap.h"

typedef struct Row
{
	const char *name;
	const OgProvider *provider;
	const char *keys;			/* separated by spaces */
	int			status;
	const char *body;
	const char *expected;
} Row;

/* The body ends where a page that cannot be read could begin. */
static void
test_rows(const Row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		const Row  *row = &rows[i];
		char	   *text = quoted(row->body);
		size_t		len = strlen(text);
		char	   *body = memcpy(palloc(len), text, len);
		OgResponse	response = {
			.delivery = OG_ANSWERED,
			.status = row->status,
			.body = {body, len}
		};

		is_text(collect_text(row->provider, row->keys, &response),
				quoted(row->expected),
				psprintf("%s %d: %s", row->provider->name, row->status,
						 row->name));
		pfree(body);
		pfree(text);
	}
}

#define SILENT	"unknown|-|the answer does not mention this order|-"
#define TORN	"unknown|-|the answer contradicts itself about this order|"

/* ---- XT ---- */

#define X(id, code)	"{'msg':'m','code':" #code ",'id':" #id "}"

static const Row xt_rows[] = {
	{"every code", &og_xt, "1 2 3 4 5", 200,
		"{'code':200,'data':[" X(1, 120) "," X(2, 121) "," X(3, 122) ","
		X(4, 123) "," X(5, 124) "],'info':'done'}",
		"cancelled|120|m|" X(1, 120) "\nnot_found|121|m|" X(2, 121)
		"\nnot_cancellable|122|m|" X(3, 122) "\nunknown|123|m|" X(4, 123)
	"\ntoo_frequent|124|m|" X(5, 124)},
	{"the page's own answer", &og_xt,
		"156293034776986 156293034776988", 200,
		"{\n  'code': 200,\n  'data': [\n {\n 'msg': 'ok',\n 'code': 120,\n 'id': 156293034776986\n },"
		"{'msg':'no','code':121,'id':156293034776988}],\n'info': 'The order'\n}\n",
		"cancelled|120|ok|{\n 'msg': 'ok',\n 'code': 120,\n 'id': 156293034776986\n }\n"
	"not_found|121|no|{'msg':'no','code':121,'id':156293034776988}"},
	{"ids beyond 2^53 are told apart", &og_xt,
		"9007199254740992 9007199254740993 6216559590087220004", 200,
		"{'code':200,'data':[" X(9007199254740993, 120) ","
		X(6216559590087220224, 120) "]}",
		SILENT "\ncancelled|120|m|" X(9007199254740993, 120) "\n" SILENT
	"\nforeign 1"},
	{"strings are the same ids and codes", &og_xt, "1 2", 200,
		"{'code':'200','data':[" X('2', '120') ",{'id':'\\u0031','code':'121'}]}",
		"not_found|121|-|{'id':'\\u0031','code':'121'}\ncancelled|120|m|"
	X('2', '120')},
	{"1.0 and 1e0 are not 1", &og_xt, "1", 200,
		"{'code':200,'data':[" X(1.0, 120) "," X(1e0, 120) "]}",
	SILENT "\nforeign 2"},
	{"120.0 is not 120", &og_xt, "1", 200,
		"{'code':200,'data':[" X(1, 120.0) "]}",
	"unknown|120.0|m|" X(1, 120.0)},
	{"no code, no words", &og_xt, "1 2", 200,
		"{'code':200,'data':[{'id':1},{'id':2,'code':null,'msg':null}]}",
		"unknown|-|the answer does not say what became of this order|{'id':1}\n"
		"unknown|-|the answer does not say what became of this order|"
	"{'id':2,'code':null,'msg':null}"},
	{"no words of success", &og_xt, "1", 200,
	"{'code':200,'data':[{'id':1,'code':120}]}", "cancelled|120|-|{'id':1,'code':120}"},
	{"code 125", &og_xt, "1", 200, "{'code':200,'data':[" X(1, 125) "]}",
	"unknown|125|m|" X(1, 125)},
	{"said twice", &og_xt, "1 2", 200,
		"{'code':200,'data':[" X(1, 120) "," X(2, 120) "," X(1, 120) "]}",
	"cancelled|120|m|" X(1, 120) "\ncancelled|120|m|" X(2, 120)},
	{"a contradiction", &og_xt, "1 2", 200,
		"{'code':200,'data':[" X(1, 120) "," X(2, 120) "," X(1, 121) "]}",
	TORN X(1, 120) "\ncancelled|120|m|" X(2, 120)},
	{"too frequent and done", &og_xt, "1", 200,
	"{'code':200,'data':[" X(1, 124) "," X(1, 120) "]}", TORN X(1, 124)},
	{"the whole request is fine, but where are they", &og_xt, "1 2", 200,
	"{'code':200,'data':[],'info':'all cancelled'}", SILENT "\n" SILENT},
	{"no data", &og_xt, "1", 200, "{'code':200,'info':'all cancelled'}",
	"unknown|-|the answer has no list of orders|-"},
	{"data is an object", &og_xt, "1", 200, "{'code':200,'data':" X(1, 120) "}",
	"unknown|-|the answer has no list of orders|-"},
	{"rubbish among elements", &og_xt, "1", 200,
		"{'code':200,'data':[1,[],null,'1',{},{'id':[1],'code':120},"
		"{'id':null,'code':120}," X(1, 120) "]}",
	"cancelled|120|m|" X(1, 120)},
	{"key", &og_xt, "1 2", 200, "{'code':307,'info':'bad key'}",
	"rejected|307|bad key|-\nrejected|307|bad key|-"},
	{"signature, as text", &og_xt, "1", 200, "{'code':'308','msg':'bad'}",
	"rejected|308|bad|-"},
	{"malformed", &og_xt, "1", 200, "{'code':400,'message':'bad'}",
	"rejected|400|bad|-"},
	{"other", &og_xt, "1", 200, "{'code':404,'info':null,'data':[]}",
	"rejected|404|the provider gave no reason|-"},
	{"closed", &og_xt, "1", 200, "{'code':107,'info':'\\u4e70\\n'}",
	"rejected|107|\xe4\xb9\xb0\n|-"},
	{"124 as a whole", &og_xt, "1", 200, "{'code':124,'info':'slow'}",
	"unknown|124|slow|-"},
	{"a code nobody knows", &og_xt, "1", 200, "{'code':500,'info':'oops'}",
	"unknown|500|oops|-"},
	{"no code", &og_xt, "1", 200, "{'data':[]}",
	"unknown|-|the answer has no code that is documented|-"},
	{"not an object", &og_xt, "1", 200, "[]",
	"unknown|-|the answer is not an object|-"},
	{"rows under an error", &og_xt, "1 2 3", 200,
		"{'code':308,'info':'bad','data':[" X(1, 120) "," X(2, 122) "]}",
		"cancelled|120|m|" X(1, 120) "\nnot_cancellable|122|m|" X(2, 122)
	"\nunknown|308|bad|-"},
	{"a stranger's row under an error", &og_xt, "1", 200,
		"{'code':308,'info':'bad','data':[" X(2, 120) "]}",
	"unknown|308|bad|-\nforeign 1"},
	{"rows without a code", &og_xt, "1 2", 200, "{'data':[" X(1, 120) "]}",
		"cancelled|120|m|" X(1, 120)
	"\nunknown|-|the answer has no code that is documented|-"},
	{"like 200", &og_xt, "1", 202, "{'code':200,'data':[" X(1, 120) "]}",
	"cancelled|120|m|" X(1, 120)},
	{"says cancelled", &og_xt, "1 2 3", 400,
		"{'code':200,'data':[" X(1, 120) "," X(2, 121) "],'info':'ok'}",
		"unknown|120|m|" X(1, 120) "\nnot_found|121|m|" X(2, 121)
	"\nunknown|-|HTTP 400 Bad Request|-"},
	{"claims success", &og_xt, "1", 403, "{'code':200,'data':[]}",
	"unknown|-|HTTP 403 Forbidden|-"},
	{"says why", &og_xt, "1", 401, "{'code':307,'info':'bad key'}",
	"rejected|307|bad key|-"},
	{"says something else", &og_xt, "1", 404, "{'code':7,'x':1}",
	"rejected|7|HTTP 404 Not Found|-"},
	{"not JSON", &og_xt, "1", 403, "<html>Forbidden</html>",
	"rejected|-|HTTP 403 Forbidden|-"},
	{"a teapot", &og_xt, "1", 418, "", "rejected|-|HTTP 418|-"},
	{"too frequent within", &og_xt, "1", 400, "{'data':[" X(1, 124) "]}",
	"too_frequent|124|m|" X(1, 124)},
	{"not processed", &og_xt, "1 2", 429, "",
		"too_frequent|-|HTTP 429 Too Many Requests|-\n"
	"too_frequent|-|HTTP 429 Too Many Requests|-"},
	{"with words", &og_xt, "1 2", 429, "{'code':9,'info':'slow','data':[" X(1, 124) "]}",
	"too_frequent|124|m|" X(1, 124) "\ntoo_frequent|9|slow|-"},
	{"says cancelled", &og_xt, "1 2 3", 429,
		"{'data':[" X(1, 120) "," X(2, 124) "]}",
		"unknown|120|m|" X(1, 120) "\nunknown|124|m|" X(2, 124)
	"\nunknown|-|HTTP 429 Too Many Requests|-"},
	{"worked on it", &og_xt, "1 2", 429, "{'data':[" X(1, 121) "]}",
	"unknown|121|m|" X(1, 121) "\nunknown|-|HTTP 429 Too Many Requests|-"},
	{"too frequent, one by one", &og_xt, "1", 429,
		"{'code':200,'data':[" X(1, 124) "]}",
	"too_frequent|124|m|" X(1, 124)},
	{"claims success", &og_xt, "1", 429, "{'code':200,'data':[]}",
	"unknown|-|HTTP 429 Too Many Requests|-"},
	{"says cancelled", &og_xt, "1 2", 500,
		"{'code':200,'data':[" X(1, 120) "," X(2, 124) "]}",
	"unknown|120|m|" X(1, 120) "\nunknown|124|m|" X(2, 124)},
	{"says refused", &og_xt, "1", 503, "{'code':308,'info':'bad'}",
	"unknown|308|bad|-"},
	{"not JSON", &og_xt, "1", 502, "<html>", "unknown|-|HTTP 502 Bad Gateway|-"},
	{"not JSON", &og_xt, "1", 408, "", "unknown|-|HTTP 408 Request Timeout|-"},
	{"no final status", &og_xt, "1", 101, "{'code':308}",
	"unknown|-|HTTP 101|-"},
	{"no status at all", &og_xt, "1", 0, "{'code':308}", "unknown|-|HTTP 0|-"},
	{"nor is this", &og_xt, "1", 304, "", "unknown|-|HTTP 304|-"},
};

/* ---- TronSave ---- */

#define T(id, rest)	"{'order_id':" #id "," rest "}"

static const Row tronsave_rows[] = {
	{"every kind", &og_tronsave, "a b c d e f g h", 200,
		"{'cancel_results':["
		T('a', "'is_success':true,'fail_reason':null") ","
		T('b', "'is_success':true") ","
		T('c', "'is_success':true,'fail_reason':'why'") ","
		T('d', "'is_success':false,'fail_reason':'why'") ","
		T('e', "'is_success':false,'fail_reason':null") ","
		T('f', "'is_success':'true'") ","
		T('g', "'fail_reason':'why'") ","
		T('h', "'is_success':1") "]}",
		"cancelled|-|-|" T('a', "'is_success':true,'fail_reason':null") "\n"
		"cancelled|-|-|" T('b', "'is_success':true") "\n"
		"unknown|-|why|" T('c', "'is_success':true,'fail_reason':'why'") "\n"
		"rejected|-|why|" T('d', "'is_success':false,'fail_reason':'why'") "\n"
		"rejected|-|the provider gave no reason|"
		T('e', "'is_success':false,'fail_reason':null") "\n"
		"unknown|-|the answer does not say what became of this order|"
		T('f', "'is_success':'true'") "\n"
		"unknown|-|why|" T('g', "'fail_reason':'why'") "\n"
		"unknown|-|the answer does not say what became of this order|"
	T('h', "'is_success':1")},
	{"an empty reason is a reason", &og_tronsave, "a", 200,
		"{'cancel_results':[" T('a', "'is_success':true,'fail_reason':''") "]}",
	"unknown|-||" T('a', "'is_success':true,'fail_reason':''")},
	{"a number is the same id", &og_tronsave, "12345678901234567890", 200,
		"{'cancel_results':[" T(12345678901234567890, "'is_success':true") "]}",
	"cancelled|-|-|" T(12345678901234567890, "'is_success':true")},
	{"left out, and a stranger", &og_tronsave, "a", 200,
		"{'cancel_results':[" T('A', "'is_success':true") "],'message':'ok'}",
	SILENT "\nforeign 1"},
	{"the key", &og_tronsave, "a", 401,
	"{'error':true,'message':'TSAS:107 INVALID_API_KEY'}", "rejected|-|TSAS:107 INVALID_API_KEY|-"},
	{"the key", &og_tronsave, "a", 200,
	"{'error':true,'message':'TSAS:107 INVALID_API_KEY'}", "rejected|-|TSAS:107 INVALID_API_KEY|-"},
	{"no key", &og_tronsave, "a", 200, "{'error':true,'message':'TSAS:106'}",
	"rejected|-|TSAS:106|-"},
	{"another error", &og_tronsave, "a", 200,
	"{'error':true,'message':'TSAS:1070 X'}", "unknown|-|TSAS:1070 X|-"},
	{"no error", &og_tronsave, "a", 200,
	"{'error':false,'message':'TSAS:107 X'}", "unknown|-|TSAS:107 X|-"},
	{"validation", &og_tronsave, "a", 400,
		"{'statusCode':400,'code':'FST_ERR_VALIDATION','error':'Bad Request','message':'body must'}",
	"rejected|FST_ERR_VALIDATION|body must|-"},
	{"validation", &og_tronsave, "a", 200,
		"{'statusCode':400,'code':'FST_ERR_VALIDATION','error':'Bad Request','message':'body must'}",
	"rejected|FST_ERR_VALIDATION|body must|-"},
	{"pace", &og_tronsave, "a b", 200,
		"{'error':true,'message':'Rate limit reached'}",
	"too_frequent|-|Rate limit reached|-\ntoo_frequent|-|Rate limit reached|-"},
	{"pace", &og_tronsave, "a", 429,
	"{'error':true,'message':'Rate limit reached'}", "too_frequent|-|Rate limit reached|-"},
	{"pace, but rows", &og_tronsave, "a b", 200,
		"{'error':true,'message':'Rate limit reached','cancel_results':["
		T('a', "'is_success':true") "]}",
		"cancelled|-|-|" T('a', "'is_success':true")
	"\nunknown|-|Rate limit reached|-"},
	{"pace, but rows", &og_tronsave, "a b", 429,
		"{'cancel_results':[" T('a', "'is_success':true") "]}",
		"unknown|-|HTTP 429 Too Many Requests|" T('a', "'is_success':true")
	"\nunknown|-|HTTP 429 Too Many Requests|-"},
	{"rows of a refusal", &og_tronsave, "a b", 400,
		"{'cancel_results':[" T('a', "'is_success':false,'fail_reason':'x'") "]}",
		"rejected|-|x|" T('a', "'is_success':false,'fail_reason':'x'")
	"\nunknown|-|HTTP 400 Bad Request|-"},
	{"nothing in it", &og_tronsave, "a", 200, "{}",
	"unknown|-|the answer has no list of orders|-"},
	{"not an object", &og_tronsave, "a", 200, "'ok'",
	"unknown|-|the answer is not an object|-"},
	{"says cancelled", &og_tronsave, "a", 500,
		"{'cancel_results':[" T('a', "'is_success':true") "]}",
	"unknown|-|HTTP 500 Internal Server Error|" T('a', "'is_success':true")},
};

/* ---- BTSE ---- */

#define B(id, status)	"{'status':" #status ",'orderID':" #id ",'message':'','clOrderID':'c'}"

/* Of this market, and of this type, which is 0 where nobody knows the order. */
#define M(id, symbol, status) \
	"{'status':" #status ",'orderID':" #id ",'symbol':" #symbol \
	",'orderType':76,'message':'','clOrderID':'c'}"
#define NOBODYS(id, symbol, status) \
	"{'status':" #status ",'orderID':" #id ",'symbol':" #symbol \
	",'orderType':0,'side':'BUY','message':'','clOrderID':''}"
#define ANOTHER_MARKET	"unknown|-|the answer names an order of another market|"

static const Row btse_rows[] = {
	{"of the market", &og_btse, "a", 200, "[" M('a', 'b-u', 6) "]",
	"cancelled|6||" M('a', 'b-u', 6)},
	{"of no market", &og_btse, "a", 200, "[" M('a', null, 6) "]",
	"cancelled|6||" M('a', null, 6)},
	{"of no market", &og_btse, "a", 200, "[" M('a', '', 6) "]",
	"cancelled|6||" M('a', '', 6)},
	{"of another market", &og_btse, "a", 200, "[" M('a', 'E-U', 6) "]",
	ANOTHER_MARKET M('a', 'E-U', 6) "\nforeign 1"},
	{"of another market", &og_btse, "a", 200, "[" M('a', 'B-UT', 16) "]",
	ANOTHER_MARKET M('a', 'B-UT', 16) "\nforeign 1"},
	{"of another market, a number", &og_btse, "a", 200, "[" M('a', 7, 6) "]",
	ANOTHER_MARKET M('a', 7, 6) "\nforeign 1"},
	{"of another market, too frequent", &og_btse, "a", 429,
		"[" M('a', 'E-U', 303) "]",
		"unknown|-|HTTP 429 Too Many Requests|" M('a', 'E-U', 303)
	"\nforeign 1"},
	{"a leg of another market", &og_btse, "a", 200,
		"[" M('a', 'B-U', 6) "," M('x', 'E-U', 6) "]",
	"cancelled|6||" M('a', 'B-U', 6) "\nforeign 1"},
	{"the order of another market, a leg of this one", &og_btse, "a", 200,
		"[" M('a', 'E-U', 6) "," M('x', 'B-U', 6) "]",
		ANOTHER_MARKET M('a', 'E-U', 6)
		"\n+unknown|-|the answer does not carry the id of this order|"
	M('x', 'B-U', 6) "\nforeign 2"},
	{"one order of two markets", &og_btse, "a", 200,
		"[" M('a', 'B-U', 6) "," M('a', 'E-U', 6) "]",
	TORN M('a', 'B-U', 6) "\nforeign 1"},
	{"one client order id in two markets", &og_btse, "by_client c", 200,
		"[" M('x', 'B-U', 6) "," M('y', 'E-U', 6) "]",
		"cancelled|6||" M('x', 'B-U', 6) "\n+" ANOTHER_MARKET M('y', 'E-U', 6)
	"\nforeign 1"},
	{"nobody's", &og_btse, "a", 200, "[" NOBODYS('a', 'B-null', 16) "]",
	"not_found|16||" NOBODYS('a', 'B-null', 16)},
	{"nobody's, of another market", &og_btse, "a", 200,
		"[" NOBODYS('a', 'E-null', 16) "]",
	ANOTHER_MARKET NOBODYS('a', 'E-null', 16) "\nforeign 1"},
	{"nobody's, and cancelled", &og_btse, "a", 200,
		"[" NOBODYS('a', 'B-null', 6) "]",
	ANOTHER_MARKET NOBODYS('a', 'B-null', 6) "\nforeign 1"},
	{"cancelled", &og_btse, "a", 200, "[" B('a', 6) "]",
	"cancelled|6||" B('a', 6)},
	{"not found", &og_btse, "a", 200, "[" B('a', 16) "]",
	"not_found|16||" B('a', 16)},
	{"filled", &og_btse, "a", 200, "[" B('a', 3) "]",
	"not_cancellable|3||" B('a', 3)},
	{"filled in full", &og_btse, "a", 200, "[" B('a', '4') "]",
	"not_cancellable|4||" B('a', '4')},
	{"refunded", &og_btse, "a", 200, "[" B('a', 7) "]",
	"not_cancellable|7||" B('a', 7)},
	{"rejected", &og_btse, "a", 200, "[" B('a', 15) "]",
	"rejected|15||" B('a', 15)},
	{"no market", &og_btse, "a", 200, "[" B('a', 1) "]",
	"rejected|1||" B('a', 1)},
	{"too frequent", &og_btse, "a", 200, "[" B('a', 303) "]",
	"too_frequent|303||" B('a', 303)},
	{"inserted", &og_btse, "a", 200, "[" B('a', 2) "]",
	"unknown|2||" B('a', 2)},
	{"timeout", &og_btse, "a", 200, "[" B('a', -1) "]",
	"unknown|-1||" B('a', -1)},
	{"request failed", &og_btse, "a", 200, "[" B('a', 17) "]",
	"unknown|17||" B('a', 17)},
	{"6.0", &og_btse, "a", 200, "[" B('a', 6.0) "]",
	"unknown|6.0||" B('a', 6.0)},
	{"no status", &og_btse, "a", 200, "[{'orderID':'a'}]",
	"unknown|-|the answer does not say what became of this order|{'orderID':'a'}"},
	{"legs", &og_btse, "a", 200, "[" B('b', 6) "," B('a', 6) "," B('d', 4) "]",
		"cancelled|6||" B('b', 6) "\n+cancelled|6||" B('a', 6)
	"\n+not_cancellable|4||" B('d', 4)},
	{"legs of one client order id", &og_btse, "by_client c", 200,
		"[" B('x', 6) "," B('y', 16) "]",
	"cancelled|6||" B('x', 6) "\n+not_found|16||" B('y', 16)},
	{"by another client order id", &og_btse, "by_client C", 200,
		"[" B('x', 6) "]",
		"unknown|-|the answer does not carry the id of this order|" B('x', 6)
	"\nforeign 1"},
	{"an order id is no client order id", &og_btse, "by_client a", 200,
		"[" B('a', 6) "]",
		"unknown|-|the answer does not carry the id of this order|" B('a', 6)
	"\nforeign 1"},
	{"nor the other way round", &og_btse, "c", 200, "[" B('a', 6) "," B('b', 6) "]",
		"unknown|-|the answer does not carry the id of this order|" B('a', 6)
		"\n+unknown|-|the answer does not carry the id of this order|" B('b', 6)
	"\nforeign 2"},
	{"a leg said twice", &og_btse, "a", 200, "[" B('a', 6) "," B('a', 6) "]",
	"cancelled|6||" B('a', 6)},
	{"a leg torn", &og_btse, "a", 200,
		"[" B('a', 6) "," B('b', 6) ",{'orderID':'\\u0061','status':16}]",
	TORN B('a', 6) "\n+cancelled|6||" B('b', 6)},
	{"one leg too frequent", &og_btse, "a", 200, "[" B('a', 6) "," B('b', 303) "]",
	"cancelled|6||" B('a', 6) "\n+rejected|303||" B('b', 303)},
	{"the first leg too frequent", &og_btse, "a", 200, "[" B('b', 303) "," B('a', 6) "]",
	"rejected|303||" B('b', 303) "\n+cancelled|6||" B('a', 6)},
	{"all legs too frequent", &og_btse, "a", 200, "[" B('b', 303) "," B('a', 303) "]",
	"too_frequent|303||" B('b', 303) "\n+too_frequent|303||" B('a', 303)},
	{"a leg without an id", &og_btse, "a", 200, "[" B('a', 6) ",{'status':6}]",
		"cancelled|6||" B('a', 6)
	"\n+unknown|6|the answer does not say what became of this order|{'status':6}"},
	{"a client order id only", &og_btse, "by_client c", 200,
		"[{'status':16,'orderID':null,'clOrderID':'c'}]",
	"not_found|16|-|{'status':16,'orderID':null,'clOrderID':'c'}"},
	{"empty", &og_btse, "a", 200, "[]",
	"unknown|-|the answer does not carry the id of this order|-"},
	{"not objects", &og_btse, "a", 200, "[" B('a', 6) ",6]",
	"unknown|-|the answer is not a list of orders|-"},
	{"an error", &og_btse, "a", 200,
		"{'status':400,'errorCode':4,'message':'BADREQUEST: error'}",
	"unknown|4|BADREQUEST: error|-"},
	{"an order, not a list", &og_btse, "a", 200, B('a', 6),
	"unknown|6||-"},
	{"null", &og_btse, "a", 200, "null",
	"unknown|-|the answer is not a list of orders|-"},
	{"an error", &og_btse, "a", 400,
		"{'status':400,'errorCode':-1,'message':'BADREQUEST: error'}",
	"rejected|-1|BADREQUEST: error|-"},
	{"an error", &og_btse, "a", 401, "{'code':-7002,'msg':'API KEY'}",
	"rejected|-7002|API KEY|-"},
	{"empty", &og_btse, "a", 404, "[]", "rejected|-|HTTP 404 Not Found|-"},
	{"says cancelled", &og_btse, "a", 400, "[" B('a', 6) "]",
	"unknown|6||" B('a', 6)},
	{"says not found", &og_btse, "a", 404, "[" B('a', 16) "]",
	"not_found|16||" B('a', 16)},
	{"pace", &og_btse, "a", 429, "[" B('a', 303) "]",
	"too_frequent|303||" B('a', 303)},
	{"says cancelled", &og_btse, "a", 429, "[" B('a', 6) "]",
	"unknown|6||" B('a', 6)},
	{"a stranger", &og_btse, "a", 429, "[" B('b', 303) "]",
		"unknown|-|HTTP 429 Too Many Requests|" B('b', 303)
	"\nforeign 1"},
	{"says cancelled", &og_btse, "a", 408, "[" B('a', 6) "," B('b', 6) "]",
	"unknown|6||" B('a', 6) "\n+unknown|6||" B('b', 6)},
};

/* ---- Wangdian ---- */

#define GONE	"采购退货单号不存在"
#define STATE	"采购退货单不是待审核或者编辑中状态"
#define W(no, message)	"{'order_no':'" no "','message':'" message "'}"
#define DATA(list, num)	"{'status':0,'data':{'error_info':[" list "],'error_num':" num ",'status':0}}"

static const Row wangdian_rows[] = {
	{"every kind", &og_wangdian, "a b c d", 200,
		DATA(W("b", GONE) "," W("a", STATE) "," W("d", "坏"), "3"),
		"not_cancellable|-|" STATE "|" W("a", STATE) "\n"
		"not_found|-|" GONE "|" W("b", GONE) "\n"
		"cancelled|-|-|-\n"
	"rejected|-|坏|" W("d", "坏")},
	{"silence", &og_wangdian, "a b", 200, DATA("", "0"),
	"cancelled|-|-|-\ncancelled|-|-|-"},
	{"text instead of numbers", &og_wangdian, "a", 200,
		"{'data':{'status':'0','error_num':'0','error_info':[]},'status':'0'}",
	"cancelled|-|-|-"},
	{"a reason with a blank", &og_wangdian, "a", 200,
	DATA(W("a", GONE " "), "1"), "rejected|-|" GONE " |" W("a", GONE " ")},
	{"escaped", &og_wangdian, "a", 200,
		DATA(W("\\u0061", "\\u91c7\\u8d2d\\u9000\\u8d27\\u5355\\u53f7\\u4e0d\\u5b58\\u5728"), "1"),
		"not_found|-|" GONE "|"
	W("\\u0061", "\\u91c7\\u8d2d\\u9000\\u8d27\\u5355\\u53f7\\u4e0d\\u5b58\\u5728")},
	{"twice", &og_wangdian, "a b", 200, DATA(W("a", GONE) "," W("a", GONE), "2"),
	"not_found|-|" GONE "|" W("a", GONE) "\ncancelled|-|-|-"},
	{"twice, torn", &og_wangdian, "a b", 200,
		DATA(W("a", GONE) "," W("a", STATE), "2"),
	TORN W("a", GONE) "\ncancelled|-|-|-"},
	{"too few counted", &og_wangdian, "a b", 200, DATA(W("a", GONE), "0"),
		"not_found|-|" GONE "|" W("a", GONE)
	"\nunknown|-|the answer counts another number of failures than it names|-"},
	{"too many counted", &og_wangdian, "a b", 200, DATA("", "1"),
		"unknown|-|the answer counts another number of failures than it names|-\n"
	"unknown|-|the answer counts another number of failures than it names|-"},
	{"1.0 is not 1", &og_wangdian, "a b", 200, DATA(W("a", GONE), "1.0"),
		"not_found|-|" GONE "|" W("a", GONE)
	"\nunknown|-|the answer counts another number of failures than it names|-"},
	{"not counted", &og_wangdian, "b", 200,
		"{'status':0,'data':{'error_info':[],'status':0}}",
	"unknown|-|the answer counts another number of failures than it names|-"},
	{"a stranger", &og_wangdian, "a b", 200,
		DATA(W("a", GONE) "," W("x", GONE), "2"),
		"not_found|-|" GONE "|" W("a", GONE)
		"\nunknown|-|the answer names failures of something else than the orders asked for|-"
	"\nforeign 1"},
	{"a failure without a number", &og_wangdian, "a", 200,
		DATA("{'message':'x'}", "1"),
	"unknown|-|the answer names failures of something else than the orders asked for|-"},
	{"a failure without a reason", &og_wangdian, "a b", 200,
		DATA("{'order_no':'a'}", "1"),
		"unknown|-|the answer names failures of something else than the orders asked for|{'order_no':'a'}\n"
	"unknown|-|the answer names failures of something else than the orders asked for|-"},
	{"a failure that is none", &og_wangdian, "a", 200, DATA("'a'", "1"),
	"unknown|-|the answer names failures of something else than the orders asked for|-"},
	{"failures not listed", &og_wangdian, "a", 200,
		"{'status':0,'data':{'error_info':null,'error_num':0,'status':0}}",
	"unknown|-|the answer has no list of failures|-"},
	{"data failed", &og_wangdian, "a b", 200,
		"{'status':0,'data':{'error_info':[" W("a", GONE) "],'error_num':1,'status':1}}",
		"not_found|-|" GONE "|" W("a", GONE)
	"\nunknown|-|the answer does not say that the list of failures is complete|-"},
	{"no data", &og_wangdian, "a", 200, "{'status':0}",
	"unknown|-|the answer has no data|-"},
	{"refused", &og_wangdian, "a b", 200,
		"{'status':100,'message':'不得超过20条'}",
	"rejected|100|不得超过20条|-\nrejected|100|不得超过20条|-"},
	{"refused, with rows", &og_wangdian, "a b", 200,
		"{'status':100,'message':'x','data':{'error_info':[" W("a", GONE) "]}}",
	"not_found|-|" GONE "|" W("a", GONE) "\nunknown|100|x|-"},
	{"undefined", &og_wangdian, "a", 200, "{'status':1,'message':'x'}",
	"unknown|1|x|-"},
	{"undefined, but whole", &og_wangdian, "a", 200,
		"{'status':2,'data':{'error_info':[],'error_num':0,'status':0}}",
	"unknown|2|the answer has no status that is documented|-"},
	{"no status", &og_wangdian, "a", 200,
		"{'data':{'error_info':[],'error_num':0,'status':0}}",
	"unknown|-|the answer has no status that is documented|-"},
	{"not an object", &og_wangdian, "a", 200, "0",
	"unknown|-|the answer is not an object|-"},
	{"silence", &og_wangdian, "a b", 400, DATA(W("a", GONE), "1"),
	"not_found|-|" GONE "|" W("a", GONE) "\nunknown|-|HTTP 400 Bad Request|-"},
	{"refused", &og_wangdian, "a", 400, "{'status':100,'message':'x'}",
	"rejected|100|x|-"},
	{"silence", &og_wangdian, "a", 429, DATA("", "0"),
	"unknown|-|HTTP 429 Too Many Requests|-"},
	{"silence", &og_wangdian, "a", 500, DATA("", "0"),
	"unknown|-|HTTP 500 Internal Server Error|-"},
};

/* ---- What has no body that counts, and what is wrong with bodies ---- */

static const Row broken_rows[] = {
	{"empty", &og_wangdian, "a", 204, "", "unknown|-|the answer is empty|-"},
	{"cut off", &og_wangdian, "a", 200, "{'status':0",
	"unknown|-|the answer is cut off|-"},
	{"a key twice", &og_xt, "1", 200,
		"{'code':308,'code':200,'data':[]}",
	"unknown|-|the answer has two values for one key|-"},
	{"not UTF-8", &og_xt, "1", 200, "{'code':200,'data':['\xff']}",
	"unknown|-|the answer is not valid UTF-8|-"},
};

int
main(void)
{
	test_rows(xt_rows, lengthof(xt_rows));
	test_rows(tronsave_rows, lengthof(tronsave_rows));
	test_rows(btse_rows, lengthof(btse_rows));
	test_rows(wangdian_rows, lengthof(wangdian_rows));
	test_rows(broken_rows, lengthof(broken_rows));
	return done_testing();
}
