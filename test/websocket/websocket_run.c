/*-------------------------------------------------------------------------
 *
 * websocket_run.c
 *		WebSockets driven from SQL, as a worker would drive them.
 *
 * For test/t/200_websocket.pl; see test/lib/OrderGateway/WebSockets.pm.
 *
 *	websocket_run(url, ca, timeout_ms, patience_ms, say, times, want,
 *				  per_round, rest)
 *
 * opens one, says a text so often once it is open, closes it when as many
 * messages as are wanted have come (0 = it is left to the other side), and
 * tells what became of it when it is closed or patience is over.  In each round
 * it reads at most so many messages (0 = all).  "rest" is a URL that is asked by
 * HTTP at the same time; then the WebSocket is closed when that is answered.
 *
 *	websocket_hold(urls, ca, seconds, want)
 *
 * keeps many of them open at once and reads them, until so many messages have
 * come over each, or time is up, or one of them is closed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <malloc.h>
#include <sys/resource.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "ground/clock.h"
#include "http/http.h"
#include "http/http_websocket.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(websocket_run);
PG_FUNCTION_INFO_V1(websocket_hold);

/* What is shown of the last message. */
#define MAX_SHOWN	100

typedef struct Run
{
	OgWebSocket *ws;
	OgTransfer *transfer;
	OgHttp	   *http;
	const char *say;
	int			times;
	int			want;
	int			per_round;

	int			said;			/* -1 = that failed */
	int64		messages;
	int64		bytes;
	char		last[MAX_SHOWN + 1];
	int64		sleeps;
	int64		longest_us;		/* call of og_websocket_next() */
	int			rest_status;
	int64		opened_us;
} Run;

static char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static bool
always_ready(void *owner, TimestampTz at)
{
	return true;
}

static void
start_rest(Run *run, MemoryContext context, const char *url, const char *ca)
{
	static const OgFields none;
	OgHttpRequest request = {
		.method = "GET", .url = url, .headers = &none, .sslrootcert = ca,
		.connect_timeout_ms = 5000, .timeout_ms = 10000,
		.max_response_size = 1024 * 1024, .ready = always_ready
	};

	run->http = og_http_open(context);
	run->transfer = og_http_start(run->http, &request);
}

static bool
next(Run *run, OgSlice *message)
{
	int64		before = og_clock_now();
	bool		found = og_websocket_next(run->ws, message);

	run->longest_us = Max(run->longest_us, og_clock_now() - before);
	return found;
}

/* Read what there is, say what is to be said, close when all has come. */
static void
advance(Run *run)
{
	OgSlice		message;
	int			in_round = 0;
	int64		due;

	while ((run->per_round == 0 || in_round++ < run->per_round) &&
		   next(run, &message))
	{
		run->messages++;
		run->bytes += (int64) message.len;
		memset(run->last, 0, sizeof(run->last));
		memcpy(run->last, message.data, Min(message.len, MAX_SHOWN));
	}
	if (run->http != NULL && run->rest_status == 0 &&
		og_http_next(run->http, &due) != NULL)
		run->rest_status = og_http_response(run->transfer)->status;
	if (og_websocket_state(run->ws) != OG_WS_OPEN)
		return;
	if (run->opened_us == 0)
		run->opened_us = og_clock_now();
	while (run->say != NULL && run->said >= 0 && run->said < run->times)
		run->said = og_websocket_send(run->ws, og_slice_of(run->say))
			? run->said + 1 : -1;
	if ((run->want > 0 && run->messages >= run->want) || run->rest_status != 0)
		og_websocket_close(run->ws, OG_WS_NORMAL);
}

static Datum
text_datum(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static Datum
answer(FunctionCallInfo fcinfo, const Run *run)
{
	static const char *const states[] = {
		"connecting", "open", "closing", "closed"
	};
	OgSlice		reason = og_websocket_close_reason(run->ws);
	TupleDesc	desc;
	Datum		values[14];
	bool		nulls[14] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "must be called for its columns");
	values[0] = CStringGetTextDatum(states[og_websocket_state(run->ws)]);
	values[1] = text_datum(og_websocket_problem(run->ws), &nulls[1]);
	values[2] = BoolGetDatum(og_websocket_is_hopeless(run->ws));
	values[3] = Int32GetDatum(og_websocket_http_status(run->ws));
	values[4] = Int32GetDatum(og_websocket_close_code(run->ws));
	values[5] = text_datum(reason.data == NULL ? NULL
						   : pnstrdup(reason.data, reason.len), &nulls[5]);
	values[6] = Int64GetDatum(run->messages);
	values[7] = Int64GetDatum(run->bytes);
	values[8] = CStringGetTextDatum(run->last);
	values[9] = Int32GetDatum(run->said);
	values[10] = Int64GetDatum(run->sleeps);
	values[11] = Int64GetDatum(run->longest_us);
	values[12] = Int32GetDatum(run->rest_status);
	values[13] = BoolGetDatum(run->opened_us != 0);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
websocket_run(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "websocket_run",
												  ALLOCSET_DEFAULT_SIZES);
	OgWebSocketTarget target = {
		.url = text_or_null(fcinfo, 0),
		.sslrootcert = text_or_null(fcinfo, 1),
		.connect_timeout_ms = PG_GETARG_INT32(2)
	};
	int64		end = og_clock_now() + PG_GETARG_INT32(3) * INT64CONST(1000);
	char	   *rest = text_or_null(fcinfo, 8);
	Run			run = {
		.say = text_or_null(fcinfo, 4), .times = PG_GETARG_INT32(5),
		.want = PG_GETARG_INT32(6), .per_round = PG_GETARG_INT32(7)
	};
	Datum		result;

	run.ws = og_websocket_open(context, &target);
	if (rest != NULL)
		start_rest(&run, context, rest, target.sslrootcert);
	for (;;)
	{
		advance(&run);
		if (og_websocket_state(run.ws) == OG_WS_CLOSED ||
			og_clock_now() >= end)
			break;
		og_http_sleep(end, OG_WAIT_STREAM);
		run.sleeps++;
	}
	result = answer(fcinfo, &run);
	MemoryContextDelete(context);
	return result;
}

static int64
cpu_us(void)
{
	struct rusage usage;

	(void) getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USECS_PER_SEC +
		usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

Datum
websocket_hold(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "websocket_hold",
												  ALLOCSET_DEFAULT_SIZES);
	int64		end = og_clock_now() + PG_GETARG_INT32(2) * USECS_PER_SEC;
	int64		cpu = cpu_us();
	int			want = PG_GETARG_INT32(3);
	int64		messages = 0;
	int64		peak = 0;
	int			satisfied;
	int			open;
	OgWebSocketTarget target = {
		.sslrootcert = text_or_null(fcinfo, 1), .connect_timeout_ms = 10000
	};
	Datum	   *urls;
	int			count;
	OgWebSocket **all;
	int		   *counts;
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {0};

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &urls, NULL, &count);
	all = palloc(count * sizeof(OgWebSocket *));
	counts = palloc0(count * sizeof(int));
	for (int i = 0; i < count; i++)
	{
		target.url = TextDatumGetCString(urls[i]);
		all[i] = og_websocket_open(context, &target);
	}
	do
	{
		open = satisfied = 0;
		for (int i = 0; i < count; i++)
		{
			OgSlice		message;

			while (og_websocket_next(all[i], &message))
				counts[i]++, messages++;
			satisfied += counts[i] >= want;
			open += og_websocket_state(all[i]) == OG_WS_OPEN;
			if (og_websocket_state(all[i]) == OG_WS_CLOSED)
				end = 0;
		}
		if (messages > 0)
			peak = Max(peak, (int64) mallinfo2().uordblks);
		if (satisfied < count && og_clock_now() < end)
			og_http_sleep(end, OG_WAIT_STREAM);
	} while (satisfied < count && og_clock_now() < end);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "must be called for its columns");
	values[0] = Int32GetDatum(open);
	values[1] = Int64GetDatum(messages);
	values[2] = Int64GetDatum(cpu_us() - cpu);
	values[3] = Int64GetDatum(peak);
	values[4] = text_datum(og_websocket_problem(all[0]), &nulls[4]);
	MemoryContextDelete(context);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
