/*-------------------------------------------------------------------------
 *
 * bench_json.c
 *		Throughput of the proof, beside cJSON_Parse of the same bytes.
 *
 * cJSON builds a tree; the proof shows more about the answer and builds
 * nothing.  The third column proves, then reads each element's members as a
 * provider does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "json_case.h"
#include "server_shim.h"

#define SECONDS	0.5

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void
prove(OgSlice answer)
{
	proven(answer);
}

static void
parse(OgSlice answer)
{
	cJSON	   *tree = cJSON_ParseWithLength(answer.data, answer.len);

	if (tree == NULL)
		abort();
	cJSON_Delete(tree);
}

static void
prove_and_read(OgSlice answer)
{
	static const char *const names[] = {"id", "orderID", "result", "msg"};
	OgSlice		values[lengthof(names)];
	OgSlice		list = proven(answer);
	OgJsonPicker picker;
	OgSlice		element;

	if (og_json_kind(list) == OG_JSON_OBJECT)
		list = og_json_member(list, "data");
	og_json_pick_open(&picker, list, names, lengthof(names));
	while (og_json_pick_next(&picker, &element, values))
		continue;
}

/* MB/s of doing this to an answer. */
static double
speed(void (*work) (OgSlice answer), OgSlice answer)
{
	double		start = now();
	double		spent;
	long		bytes = 0;

	do
	{
		work(answer);
		bytes += answer.len;
		spent = now() - start;
	} while (spent < SECONDS);
	return bytes / spent / 1e6;
}

static void
report(const char *name, StringInfo answer)
{
	OgSlice		slice = og_slice(answer->data, answer->len);
	double		proving = speed(prove, slice);
	double		parsing = speed(parse, slice);
	double		reading = speed(prove_and_read, slice);

	printf("%-28s %9d %8.0f %8.0f %8.0f %7.2f\n", name, answer->len, proving,
		   parsing, reading, proving / parsing);
	resetStringInfo(answer);
}

static void
xt_answer(StringInfo out, int ids)
{
	appendStringInfoString(out, "{\"code\":200,\"data\":[");
	for (int i = 0; i < ids; i++)
		appendStringInfo(out, "%s{\"id\":62165595900872%05d,\"result\":120,"
						 "\"msg\":\"Order cancelled successfully.\","
						 "\"market\":\"btc_usdt\"}", i > 0 ? "," : "", i);
	appendStringInfoString(out, "],\"info\":\"success\"}");
}

static void
btse_answer(StringInfo out, int legs)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < legs; i++)
		appendStringInfo(out, "%s{\"status\":6,\"symbol\":\"BTC-USD\","
						 "\"orderType\":76,\"price\":7010.0,\"side\":\"BUY\","
						 "\"orderID\":\"ff0a7b9d-0a3c-4d43-8b1f-%012d\","
						 "\"timestamp\":1576812000872,\"triggerPrice\":0.0,"
						 "\"stopPrice\":null,\"trigger\":false,"
						 "\"message\":\"\",\"averageFillPrice\":0.0,"
						 "\"fillSize\":0.0,\"clOrderID\":\"\",\"stealth\":1.0,"
						 "\"deviation\":1.0,\"postOnly\":false,"
						 "\"originalOrderBaseSize\":0.00001,"
						 "\"originalOrderQuoteSize\":null,"
						 "\"currentOrderBaseSize\":0.00001,"
						 "\"remainingOrderBaseSize\":0.00001,"
						 "\"time_in_force\":\"GTC\"}", i > 0 ? "," : "", i);
	appendStringInfoChar(out, ']');
}

static void
wangdian_answer(StringInfo out, int numbers)
{
	appendStringInfoString(out, "{\"status\":0,\"data\":[");
	for (int i = 0; i < numbers; i++)
		appendStringInfo(out, "%s{\"no\":\"CR2022%08d\",\"msg\":\"\xE9\x87\x87"
						 "\xE8\xB4\xAD\xE9\x80\x80\xE8\xB4\xA7\xE5\x8D\x95"
						 "\xE4\xB8\x8D\xE6\x98\xAF\xE5\xBE\x85\xE5\xAE\xA1"
						 "\xE6\xA0\xB8\"}", i > 0 ? "," : "", i);
	appendStringInfoString(out, "]}");
}

static void
large_object(StringInfo out, int keys, const char *format)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; i < keys; i++)
	{
		appendStringInfoString(out, i > 0 ? ",\"" : "\"");
		appendStringInfo(out, format, (uint32) i * 2654435761U);
		appendStringInfoString(out, "\":0");
	}
	appendStringInfoChar(out, '}');
}

int
main(void)
{
	StringInfoData out;

	initStringInfo(&out);
	printf("%-28s %9s %8s %8s %8s %7s\n", "", "bytes", "prove", "cJSON",
		   "+ read", "ratio");
	xt_answer(&out, 100);
	report("xt, 100 ids", &out);
	btse_answer(&out, 2);
	report("btse, 2 legs", &out);
	btse_answer(&out, 200);
	report("btse, 200 orders", &out);
	wangdian_answer(&out, 20);
	report("wangdian, 20 numbers", &out);
	xt_answer(&out, 80000);
	report("xt, 8 MB", &out);
	appendStringInfoChar(&out, '"');
	append_repeated(&out, "a long string ", 500000);
	appendStringInfoChar(&out, '"');
	report("one string of 7 MB", &out);
	large_object(&out, 600, "%08x");
	report("an object of 600 keys", &out);
	large_object(&out, 600000, "%08x");
	report("an object of 600,000 keys", &out);
	return 0;
}
