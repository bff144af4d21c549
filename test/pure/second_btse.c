/*-------------------------------------------------------------------------
 *
 * second_btse.c
 *		What an answer of BTSE says of each order, read a second time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "second_testimony.h"

static OgVerdict
btse_verdict(const Node *status)
{
	static const char *const over[] = {"3", "4", "7", NULL};
	static const char *const refused[] = {"1", "15", NULL};

	return second_says_text(status, "6") ? OG_CANCELLED
		: second_says_text(status, "16") ? OG_NOT_FOUND
		: second_says_text(status, "303") ? OG_TOO_FREQUENT
		: second_is_any_of(status, over) ? OG_NOT_CANCELLABLE
		: second_is_any_of(status, refused) ? OG_REJECTED : OG_UNKNOWN;
}

/* Is there a word, and not an empty one? */
static bool
is_name(const Node *value)
{
	return second_is_word(value) && !second_says_text(value, "");
}

static bool
names_some_order(const Node *element)
{
	return is_name(second_member(element, "orderID")) ||
		is_name(second_member(element, "clOrderID"));
}

/* Its own id, or the client's where it has none; if it can be kept at all. */
static const Node *
btse_part(const Node *element)
{
	const Node *id = second_member(element, "orderID");

	if (!is_name(id))
		id = second_member(element, "clOrderID");
	return is_name(id) && id->bytes.len <= OG_MAX_PART_LEN ? id : NULL;
}

static void
hear_btse_error(Testimony *t, const Node *answer)
{
	static const char *const codes[] = {"errorCode", "code", "status", NULL};
	static const char *const messages[] = {"message", "msg", NULL};

	t->code = second_first_of(answer, codes);
	t->message = second_first_of(answer, messages);
}

static OgVerdict
btse_new_verdict(const Asked *asked, const Node *status, const Node *order)
{
	static const char *const taken[] = {"2", "4", "5", "9", "10", NULL};
	static const char *const refused[] = {
		"1", "8", "11", "13", "15", "41", "101", "300", "301", "302", "304", NULL
	};

	if (second_says_text(status, "6") && asked->at_once)
		return OG_ACCEPTED;
	if (second_says_text(status, "303"))
		return is_name(order) ? OG_UNKNOWN : OG_TOO_FREQUENT;
	return second_is_any_of(status, taken) ? OG_ACCEPTED
		: second_is_any_of(status, refused) ? OG_REJECTED : OG_UNKNOWN;
}

static OgVerdict
btse_amended_verdict(const Node *status)
{
	static const char *const taken[] = {"2", "4", "5", "9", "10", NULL};
	static const char *const refused[] = {
		"1", "8", "15", "300", "301", "302", NULL
	};

	return second_says_text(status, "303") ? OG_TOO_FREQUENT
		: second_says_text(status, "16") ? OG_NOT_FOUND
		: second_is_any_of(status, taken) ? OG_ACCEPTED
		: second_is_any_of(status, refused) ? OG_REJECTED : OG_UNKNOWN;
}

static OgVerdict
btse_status_verdict(const Asked *asked, const Node *element)
{
	const Node *status = second_member(element, "status");

	if (strcmp(asked->operation, "create_order") == 0)
		return btse_new_verdict(asked, status,
								second_member(element, "orderID"));
	if (strcmp(asked->operation, "amend_order") == 0)
		return btse_amended_verdict(status);
	if (strcmp(asked->operation, "cancel_all") == 0 &&
		second_says_text(status, "303"))
		return OG_REJECTED;
	return btse_verdict(status);
}

/* What it says of an order that can be told from others. */
static OgVerdict
btse_told_verdict(const Asked *asked, const Node *element)
{
	return btse_part(element) == NULL
		? OG_UNKNOWN : btse_status_verdict(asked, element);
}

static bool
says_in_any_case(const Node *value, const char *text)
{
	return second_is(value, OG_JSON_STRING) &&
		strcasecmp(value->text, text) == 0;
}

/* "BTC-null" for "BTC-USD" */
static bool
is_base_alone(const Node *value, const char *symbol)
{
	const char *quote = strrchr(symbol, '-');

	return quote != NULL && second_is(value, OG_JSON_STRING) &&
		strncasecmp(value->text, symbol, quote - symbol) == 0 &&
		strcasecmp(value->text + (quote - symbol), "-null") == 0;
}

/* Does an element tell of something else than was asked for? */
static bool
btse_contradicts(const Asked *asked, const Node *element)
{
	static const char *const sides[2][2] = {{"BUY", "66"}, {"SELL", "83"}};
	const Node *symbol = second_member(element, "symbol");
	const Node *side = second_member(element, "side");
	const Node *type = second_member(element, "orderType");
	OgVerdict	verdict = btse_told_verdict(asked, element);
	bool		nothing_there = second_says_text(type, "0") &&
		verdict != OG_CANCELLED && verdict != OG_ACCEPTED;

	if (asked->symbol != NULL && is_name(symbol) &&
		!says_in_any_case(symbol, asked->symbol) &&
		!(nothing_there && is_base_alone(symbol, asked->symbol)))
		return true;
	if (strcmp(asked->operation, "create_order") != 0 || nothing_there)
		return false;
	if (asked->side != NULL)
	{
		const char *const *other = sides[strcmp(asked->side, "BUY") == 0];

		if (says_in_any_case(side, other[0]) ||
			second_says_text(side, other[1]) ||
			(second_is(side, OG_JSON_STRING) &&
			 strncasecmp(side->text, "MODE_", 5) == 0 &&
			 strcasecmp(side->text + 5, other[0]) == 0))
			return true;
	}
	return asked->bounded && second_says_text(type, "77");
}

/* Who an element of a list of orders is about. */
typedef enum Bearer
{
	OURS,						/* its status counts */
	DOUBTFUL,					/* it is shown, and does not count */
	SOMEBODY_ELSES				/* it is not even shown */
} Bearer;

static Bearer
btse_bearer(const Testimony *t, const Asked *asked, const Node *element,
			bool some_is_ours)
{
	const Node *id = second_member(element, asked->id_name);
	bool		is_cancel = strcmp(asked->operation, "cancel") == 0;
	bool		contradicts;

	if (strcmp(asked->operation, "cancel_all") == 0)
	{
		char	   *symbol = pnstrdup(t->keys[0].data, t->keys[0].len);

		return says_in_any_case(id, symbol) ? OURS : DOUBTFUL;
	}
	if (!some_is_ours)
		return DOUBTFUL;
	contradicts = btse_contradicts(asked, element);
	if (is_name(id) && second_key_of(t, id) != 0)
		return is_cancel && !contradicts ? OURS : SOMEBODY_ELSES;
	return contradicts ? DOUBTFUL : OURS;
}

/* An OCO order is two: what became of the one that is not there? */
static void
miss_btse_leg(Testimony *t, const Asked *asked)
{
	const Statement *first = NULL;

	for (const Statement *s = t->statements; s != NULL; s = s->next)
	{
		if (s->key == STRANGER)
			continue;
		if (first == NULL)
			first = s;
		else if (first->part == NULL || s->part == NULL ||
				 !second_agree(first->part, s->part))
			return;
	}
	/* A refusal of the order as a whole names none. */
	if (is_name(second_member(first->element, "orderID")) ||
		btse_told_verdict(asked, first->element) == OG_ACCEPTED)
		second_state(t, 0, OG_UNKNOWN, NULL);
}

static void
hear_btse_list(Testimony *t, const Asked *asked, const Node *answer)
{
	bool		is_all = strcmp(asked->operation, "cancel_all") == 0;
	bool		some_is_ours = false;
	int			count = 0;

	for (const Node *element = answer->first; element; element = element->next)
	{
		if (element->kind != OG_JSON_OBJECT ||
			++count > (is_all ? 10000 : OG_MAX_PARTS))
			return;
		some_is_ours |= second_key_of(t, second_member(element, asked->id_name)) == 0 &&
			!btse_contradicts(asked, element);
	}
	if (is_all && count == 0)
	{
		t->says_done = true;
		t->silence = OG_ACCEPTED;
	}

	for (const Node *element = answer->first; element; element = element->next)
	{
		const Node *part = btse_part(element);
		Bearer		bearer = btse_bearer(t, asked, element, some_is_ours);
		Statement  *statement;

		if (bearer == SOMEBODY_ELSES ||
			(bearer == DOUBTFUL && names_some_order(element)))
			second_state(t, STRANGER, OG_UNKNOWN, element);
		if (bearer == SOMEBODY_ELSES)
			continue;
		statement = second_state(t, 0, OG_UNKNOWN, element);
		statement->part = part;
		if (bearer == DOUBTFUL)
			continue;
		statement->code = second_member(element, "status");
		statement->message = second_member(element, "message");
		statement->verdict = btse_told_verdict(asked, element);
	}
	if (asked->oco && some_is_ours)
		miss_btse_leg(t, asked);
}

static void
hear_btse_renewal(Testimony *t, const Asked *asked, const Node *answer)
{
	const Node *renew = second_member(answer, "autoRenew");

	if (second_key_of(t, second_member(answer, "orderId")) != 0)
		hear_btse_error(t, answer);
	else
		second_state(t, 0, second_is(renew, asked->renew
							  ? OG_JSON_TRUE : OG_JSON_FALSE)
			  ? OG_ACCEPTED : OG_UNKNOWN, answer);
}

void
second_hear_btse(Testimony *t, const Asked *asked, const Node *answer)
{
	if (strcmp(asked->operation, "invest_renew") == 0)
		hear_btse_renewal(t, asked, answer);
	else if (asked->id_name == NULL || answer->kind != OG_JSON_ARRAY)
		hear_btse_error(t, answer);
	else
		hear_btse_list(t, asked, answer);
}
