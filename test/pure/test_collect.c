/*-------------------------------------------------------------------------
 *
 * test_collect.c
 *		Responses without a body that counts, and the bounds of what is kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "answers.h"
#include "server_shim.h"
#include "tap.h"

static void
test_delivery(void)
{
	OgResponse	response = {.delivery = OG_NOT_DELIVERED};

	is_text(collect_text(&og_xt, "1 2", &response),
			"not_sent|-|the request could not be sent|-\n"
			"not_sent|-|the request could not be sent|-", "not delivered");
	response.problem = "could not connect";
	is_text(collect_text(&og_btse, "1", &response),
			"not_sent|-|could not connect|-", "not delivered, and why");

	response.delivery = OG_NO_ANSWER;
	response.status = 200;
	response.body = og_slice_of("{\"status\":0,\"data\":{\"error_info\":[],"
								"\"error_num\":0,\"status\":0}}");
	is_text(collect_text(&og_wangdian, "1", &response),
			"unknown|-|could not connect|-", "half an answer is none");
	response.problem = NULL;
	is_text(collect_text(&og_wangdian, "1", &response),
			"unknown|-|no whole answer came back|-", "whatever it says");

	response.delivery = OG_ANSWERED;
	response.status = 307;
	response.location = "https://elsewhere/p";
	is_text(collect_text(&og_wangdian, "1", &response),
			"unknown|-|HTTP 307 redirect to https://elsewhere/p was not followed|-",
			"a redirect");
}

/* Codes and messages are cut by characters, responses never. */
static void
test_cuts(void)
{
	OgSlice		key = og_slice_of("1");
	OgBatch		batch = {NULL, &key, 1};
	OgResponse	response = {.delivery = OG_ANSWERED, .status = 200};
	OgCollected collected;
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body, "{\"code\":200,\"data\":[{\"id\":1,\"code\":\"");
	for (int i = 0; i < 65; i++)
		appendStringInfoString(&body, "\\u4e70");
	appendStringInfoString(&body, "\",\"msg\":\"");
	for (int i = 0; i < 1001; i++)
		appendStringInfoString(&body, "\xf0\x9f\x98\x80");
	appendStringInfoString(&body, "\"}]}");
	response.body = og_slice(body.data, body.len);

	og_collect(&collected, og_provider_operation(&og_xt, "cancel"), &batch,
			   &response);
	is_number(strlen(collected.outcomes->code), 3 * 64, "code: 64 characters");
	is_number(strlen(collected.outcomes->message), 4 * 1000,
			  "message: 1,000 characters");
	is_number(collected.outcomes->response.len,
			  body.len - strlen("{\"code\":200,\"data\":[") - strlen("]}"),
			  "response: every byte");

	response.status = 302;
	response.location = psprintf("https://%02000d/\xff", 0);
	og_collect(&collected, og_provider_operation(&og_xt, "cancel"), &batch,
			   &response);
	is_number(strlen(collected.outcomes->message), 1000, "our words as well");
	response.location = "https://a\xff/b";
	og_collect(&collected, og_provider_operation(&og_xt, "cancel"), &batch,
			   &response);
	is_text(collected.outcomes->message, "HTTP 302 redirect to https://a",
			"and no byte that is not UTF-8");
}

/* A list that names more orders than are told apart. */
static void
test_many_legs(void)
{
	OgFields	arguments = {0};
	OgSlice		key = og_slice_of("1");
	OgBatch		batch = {&arguments, &key, 1};
	OgResponse	response = {.delivery = OG_ANSWERED, .status = 200};

	og_fields_add(&arguments, "by", "order_id");
	for (int count = OG_MAX_PARTS; count <= OG_MAX_PARTS + 1; count++)
	{
		OgCollected collected;
		StringInfoData body;
		int			rows = 0;

		initStringInfo(&body);
		for (int i = 1; i <= count; i++)
			appendStringInfo(&body, "%c{\"orderID\":%d,\"status\":6}",
							 i == 1 ? '[' : ',', i);
		appendStringInfoChar(&body, ']');
		response.body = og_slice(body.data, body.len);
		og_collect(&collected, og_provider_operation(&og_btse, "cancel"),
				   &batch, &response);
		for (OgOutcome *o = collected.outcomes; o; o = o->next)
			rows += o->verdict == OG_CANCELLED;
		is_number(rows, count == OG_MAX_PARTS ? count : 0, "rows of legs");
		if (count > OG_MAX_PARTS)
			is_text(collected.outcomes->message,
					"the answer names more than 1000 orders", "one too many");
	}
}

/* What an answer says of the pace and of its nonce, whatever the outcomes. */
typedef struct Aside
{
	const OgProvider *provider;
	int			status;
	const char *body;
	const char *outcome;
	const char *flags;
} Aside;

#define XT_REFUSED(code, info) \
	"{\"code\":" #code ",\"info\":\"" info "\",\"data\":null}"

static const Aside asides[] = {

	/* the pace */
	{&og_xt, 200, "{\"code\":200,\"data\":[{\"id\":1,\"code\":120}]}",
	"cancelled", ""},
	{&og_xt, 200, "{\"code\":200,\"data\":[{\"id\":1,\"code\":124}]}",
	"too_frequent", "fewer"},
	{&og_xt, 200, "{\"code\":200,\"data\":[{\"id\":2,\"code\":124}]}",
	"unknown", "fewer"},
	{&og_xt, 200, XT_REFUSED(124, "too frequent"), "unknown", "fewer"},
	{&og_xt, 400, XT_REFUSED(124, "too frequent"), "rejected", "fewer"},
	{&og_xt, 500, XT_REFUSED(124, "too frequent"), "unknown", "fewer"},
	{&og_xt, 429, "", "too_frequent", "fewer"},
	{&og_xt, 429, "{\"code\":200,\"data\":[{\"id\":1,\"code\":120}]}",
	"unknown", "fewer"},
	{&og_xt, 503, "", "unknown", ""},
	{&og_tronsave, 400, "{\"error\":true,\"message\":\"Rate limit reached\"}",
	"too_frequent", "fewer"},
	{&og_tronsave, 500, "{\"error\":true,\"message\":\"Rate limit reached\"}",
	"unknown", "fewer"},
	{&og_btse, 200, "[{\"status\":303,\"orderID\":\"1\"}]",
	"too_frequent", "fewer"},
	{&og_btse, 400, "{\"errorCode\":303,\"status\":400}",
	"rejected", "fewer"},
	{&og_btse, 403, "{\"errorCode\":403,\"status\":403}", "rejected", ""},
	{&og_wangdian, 429, "", "too_frequent", "fewer"},

	/* the nonce: only by code and words, and only where nothing contradicts */
	{&og_xt, 200, XT_REFUSED(308, "Nonce must increase"),
	"rejected", "nonce"},
	{&og_xt, 401, XT_REFUSED(308, "invalid nonce"), "rejected", "nonce"},
	{&og_xt, 200, XT_REFUSED(308, "signature"), "rejected", ""},
	{&og_xt, 200, XT_REFUSED(307, "invalid nonce"), "rejected", ""},
	{&og_xt, 200, XT_REFUSED(400, "invalid nonce"), "rejected", ""},
	{&og_xt, 200, XT_REFUSED(999, "invalid nonce"), "unknown", ""},
	{&og_xt, 429, XT_REFUSED(308, "invalid nonce"), "too_frequent", "fewer"},
	{&og_xt, 502, XT_REFUSED(308, "invalid nonce"), "unknown", ""},
	{&og_xt, 302, XT_REFUSED(308, "invalid nonce"), "unknown", ""},
	{&og_xt, 200, "{\"code\":308,\"info\":\"invalid nonce\","
		"\"data\":[{\"id\":1,\"code\":121}]}", "not_found", ""},
	{&og_xt, 200, "{\"code\":308,\"info\":\"invalid nonce\","
		"\"data\":[{\"id\":2,\"code\":120}]}", "unknown", ""},
	{&og_btse, 401, "{\"errorCode\":401,\"message\":\"nonce is too low\"}",
	"rejected", ""},
};

static void
test_asides(void)
{
	for (size_t i = 0; i < lengthof(asides); i++)
	{
		const Aside *aside = &asides[i];
		OgFields	arguments = {0};
		OgSlice		key = og_slice_of("1");
		OgBatch		batch = {&arguments, &key, 1};
		OgResponse	response = {.delivery = OG_ANSWERED,
			.status = aside->status, .body = og_slice_of(aside->body)};
		OgCollected collected;

		og_fields_add(&arguments, "by", "order_id");
		og_collect(&collected, og_provider_operation(aside->provider, "cancel"),
				   &batch, &response);
		is_text(psprintf("%s %s%s",
						 collected.outcomes->verdict == OG_TOO_FREQUENT
						 ? "too_frequent"
						 : og_verdict_name(collected.outcomes->verdict),
						 collected.wants_fewer ? "fewer" : "",
						 collected.nonce_refused ? "nonce" : ""),
				psprintf("%s %s", aside->outcome, aside->flags),
				psprintf("%s HTTP %d %s", aside->provider->name,
						 aside->status, aside->body));
	}
}

int
main(void)
{
	test_delivery();
	test_asides();
	test_cuts();
	test_many_legs();
	return done_testing();
}
