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

/* Its own id, if it can be one. */
static const Node *
btse_part(const Node *element)
{
	static const char *const names[] = {"orderID", "clOrderID", NULL};

	for (int i = 0; names[i] != NULL; i++)
	{
		const Node *id = second_member(element, names[i]);

		if (second_is_word(id) && !second_says_text(id, "") &&
			id->bytes.len <= OG_MAX_PART_LEN)
			return id;
	}
	return NULL;
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
		return second_is_word(order) && !second_says_text(order, "")
			? OG_UNKNOWN : OG_TOO_FREQUENT;
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

	if (strcmp(asked->operation, "cancel_all") == 0)
	{
		char	   *symbol = pnstrdup(t->keys[0].data, t->keys[0].len);

		return second_is(id, OG_JSON_STRING) &&
			strcasecmp(id->text, symbol) == 0 ? OURS : DOUBTFUL;
	}
	if (!some_is_ours)
		return DOUBTFUL;
	return is_cancel || !second_is_word(id) || second_says_text(id, "") ||
		second_key_of(t, id) == 0 ? OURS : SOMEBODY_ELSES;
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
		some_is_ours |= second_key_of(t, second_member(element, asked->id_name)) == 0;
	}
	if (is_all && count == 0)
	{
		t->says_done = true;
		t->silence = OG_ACCEPTED;
	}

	for (const Node *element = answer->first; element; element = element->next)
	{
		const Node *part = btse_part(element);
		const Node *status = second_member(element, "status");
		Bearer		bearer = btse_bearer(t, asked, element, some_is_ours);
		Statement  *statement;

		if (bearer == SOMEBODY_ELSES || (bearer == DOUBTFUL && part != NULL))
			second_state(t, STRANGER, OG_UNKNOWN, element);
		if (bearer == SOMEBODY_ELSES)
			continue;
		statement = second_state(t, 0, OG_UNKNOWN, element);
		statement->part = part;
		if (bearer == DOUBTFUL)
			continue;
		statement->code = status;
		statement->message = second_member(element, "message");
		if (part != NULL)
			statement->verdict = btse_status_verdict(asked, element);
	}
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
