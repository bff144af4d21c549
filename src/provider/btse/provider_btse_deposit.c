/*-------------------------------------------------------------------------
 *
 * provider_btse_deposit.c
 *		BTSE's acts on investments: deposit, renew, redeem.
 *
 * Deposit and redeem answer nothing where all is well, renew repeats what was
 * asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

#define BTSE_DEPOSIT_PATH	"/api/v3.3/invest/deposit"
#define BTSE_RENEW_PATH		"/api/v3.3/invest/renew"
#define BTSE_REDEEM_PATH	"/api/v3.3/invest/redeem"

static const BtseMember btse_amount[] = {
	{"amount", "amount", BTSE_NUMBER},
	{NULL}
};

static const BtseMember btse_renewal[] = {
	{"auto_renew", "autoRenew", BTSE_BOOLEAN},
	{NULL}
};

static bool
btse_build_deposit(OgRequest *request, const OgBatch *batch)
{
	return og_btse_names_one(batch) &&
		og_fields_get(batch->arguments, "amount") != NULL &&
		og_btse_build_body(request, OG_POST, BTSE_DEPOSIT_PATH, batch,
						   "productId", BTSE_STRING, btse_amount);
}

static bool
btse_build_redeem(OgRequest *request, const OgBatch *batch)
{
	return og_btse_names_one(batch) &&
		og_fields_get(batch->arguments, "amount") != NULL &&
		og_btse_build_body(request, OG_POST, BTSE_REDEEM_PATH, batch,
						   "orderId", BTSE_NUMBER, btse_amount);
}

static bool
btse_build_renew(OgRequest *request, const OgBatch *batch)
{
	return og_btse_names_one(batch) &&
		og_fields_get(batch->arguments, "auto_renew") != NULL &&
		og_btse_build_body(request, OG_POST, BTSE_RENEW_PATH, batch,
						   "orderId", BTSE_NUMBER, btse_renewal);
}

static void
btse_read_renew(OgReading *reading, OgSlice answer, const OgBatch *batch)
{
	const char *asked = og_fields_get(batch->arguments, "auto_renew");
	OgJsonKind	wanted = asked != NULL && asked[0] == 't'
		? OG_JSON_TRUE : OG_JSON_FALSE;
	OgResult	result = {.verdict = OG_UNKNOWN};

	if (reading->find(reading, og_json_member(answer, "orderId")) != 0)
	{
		og_btse_read_error(reading, answer);
		reading->note = "does not confirm what was asked for";
		return;
	}
	reading->note = "does not confirm what was asked for";
	result.element = answer;
	if (og_json_kind(og_json_member(answer, "autoRenew")) == wanted)
		result.verdict = OG_ACCEPTED;
	reading->take(reading, 0, &result);
}

const OgOperation og_btse_deposit_acts[] = {
	{
		.name = "invest_deposit", BTSE_ORDER_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_deposit,
		.read = og_btse_read_no_body,
		.empty_is_accepted = true
	},
	{
		.name = "invest_renew", BTSE_ORDER_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_renew,
		.read = btse_read_renew,
		.columns = og_btse_renewal_columns
	},
	{
		.name = "invest_redeem", BTSE_ORDER_ACT,
		.done = OG_ACCEPTED,
		.build = btse_build_redeem,
		.read = og_btse_read_no_body,
		.empty_is_accepted = true
	},
	{.name = NULL}
};
