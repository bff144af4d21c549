/*-------------------------------------------------------------------------
 *
 * second_opinion.c
 *		What an answer says of each order, read a second time.
 *
 * Written from the providers' documents and from what the outcomes promise,
 * upon the second reader and without any code of the first.  The way is a
 * different one, too: an answer becomes a list of statements, each about one
 * order; then every order asks that list, as often as it likes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "second_opinion.h"

#define STRANGER	(-1)		/* instead of a key */

/* One element, and whom it is about. */
typedef struct Statement
{
	int			key;
	OgVerdict	verdict;
	const Node *element;
	const Node *code;
	const Node *message;
	const Node *part;			/* BTSE: which of the key's orders */
	struct Statement *next;
} Statement;

/* All that one answer says. */
typedef struct Testimony
{
	const OgSlice *keys;
	int			nkeys;
	Statement  *statements;
	Statement **last;
	bool		says_done;		/* the envelope: it was carried out */
	bool		says_refused;	/* the envelope: it was refused */
	OgVerdict	silence;		/* what saying nothing about an order means */
	const Node *code;			/* of the envelope */
	const Node *message;
	bool		held_off;		/* nothing speaks against a status 429 */
} Testimony;

static Statement *
state(Testimony *t, int key, OgVerdict verdict, const Node *element)
{
	Statement  *statement = palloc0(sizeof(Statement));

	statement->key = key;
	statement->verdict = verdict;
	statement->element = element;
	*t->last = statement;
	t->last = &statement->next;
	return statement;
}

/* The key that an id names, or STRANGER. */
static int
key_of(const Testimony *t, const Node *id)
{
	for (int i = 0; i < t->nkeys; i++)
	{
		if (second_says(id, t->keys[i]))
			return i;
	}
	return STRANGER;
}

/* The first member of these names that is there and not null. */
static const Node *
first_of(const Node *object, const char *const *names)
{
	for (; *names != NULL; names++)
	{
		const Node *member = second_member(object, *names);

		if (member != NULL && member->kind != OG_JSON_NULL)
			return member;
	}
	return NULL;
}

static bool
is_any_of(const Node *value, const char *const *texts)
{
	for (; *texts != NULL; texts++)
	{
		if (second_says_text(value, *texts))
			return true;
	}
	return false;
}

/*
 * ----
 * The four providers
 * ----
 */

static OgVerdict
xt_verdict(const Node *code)
{
	return second_says_text(code, "120") ? OG_CANCELLED
		: second_says_text(code, "121") ? OG_NOT_FOUND
		: second_says_text(code, "122") ? OG_NOT_CANCELLABLE
		: second_says_text(code, "124") ? OG_TOO_FREQUENT : OG_UNKNOWN;
}

static void
hear_xt(Testimony *t, const Node *answer)
{
	static const char *const refusals[] = {"107", "307", "308", "400", "404", NULL};
	static const char *const messages[] = {"info", "msg", "message", NULL};
	const Node *code = second_member(answer, "code");
	const Node *data = second_member(answer, "data");

	t->says_done = second_says_text(code, "200");
	t->says_refused = is_any_of(code, refusals);
	if (t->says_refused)
		t->silence = OG_REJECTED;
	if (!t->says_done)
	{
		t->code = code;
		t->message = first_of(answer, messages);
	}

	if (!second_is(data, OG_JSON_ARRAY))
		return;
	for (const Node *element = data->first; element; element = element->next)
	{
		const Node *id = second_member(element, "id");
		Statement  *statement;

		if (!second_is_word(id))
			continue;
		code = second_member(element, "code");
		statement = state(t, key_of(t, id), xt_verdict(code), element);
		statement->code = code;
		statement->message = second_member(element, "msg");
	}
}

static bool
begins_with_word(const Node *value, const char *word)
{
	size_t		len = strlen(word);

	return second_is(value, OG_JSON_STRING) &&
		strncmp(value->text, word, len) == 0 &&
		(value->text[len] == ' ' || value->text[len] == '\0');
}

static OgVerdict
tronsave_verdict(const Node *element)
{
	const Node *success = second_member(element, "is_success");
	const Node *reason = second_member(element, "fail_reason");

	if (second_is(success, OG_JSON_FALSE))
		return OG_REJECTED;
	if (second_is(success, OG_JSON_TRUE) &&
		(reason == NULL || reason->kind == OG_JSON_NULL))
		return OG_CANCELLED;
	return OG_UNKNOWN;
}

static void
hear_tronsave(Testimony *t, const Node *answer)
{
	const Node *error = second_member(answer, "error");
	const Node *code = second_member(answer, "code");
	const Node *message = second_member(answer, "message");
	const Node *results = second_member(answer, "cancel_results");

	if (second_is(error, OG_JSON_TRUE) || second_is(error, OG_JSON_STRING))
	{
		if (second_says_text(code, "FST_ERR_VALIDATION") ||
			begins_with_word(message, "TSAS:106") ||
			begins_with_word(message, "TSAS:107"))
			t->silence = OG_REJECTED;
		else if (second_says_text(message, "Rate limit reached"))
			t->silence = OG_TOO_FREQUENT;
	}
	t->says_refused = t->silence != OG_UNKNOWN;
	if (t->says_refused || !second_is(results, OG_JSON_ARRAY))
	{
		t->code = code;
		t->message = message;
	}

	if (!second_is(results, OG_JSON_ARRAY))
		return;
	for (const Node *element = results->first; element; element = element->next)
	{
		const Node *id = second_member(element, "order_id");

		if (second_is_word(id))
			state(t, key_of(t, id), tronsave_verdict(element), element)
				->message = second_member(element, "fail_reason");
	}
}

static OgVerdict
btse_verdict(const Node *status)
{
	static const char *const over[] = {"3", "4", "7", NULL};
	static const char *const refused[] = {"1", "15", NULL};

	return second_says_text(status, "6") ? OG_CANCELLED
		: second_says_text(status, "16") ? OG_NOT_FOUND
		: second_says_text(status, "303") ? OG_TOO_FREQUENT
		: is_any_of(status, over) ? OG_NOT_CANCELLABLE
		: is_any_of(status, refused) ? OG_REJECTED : OG_UNKNOWN;
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
hear_btse(Testimony *t, const Node *answer, const char *id_name)
{
	static const char *const codes[] = {"errorCode", "code", "status", NULL};
	static const char *const messages[] = {"message", "msg", NULL};
	bool		is_ours = false;
	int			count = 0;

	if (answer->kind != OG_JSON_ARRAY)
	{
		t->code = first_of(answer, codes);
		t->message = first_of(answer, messages);
		return;
	}
	for (const Node *element = answer->first; element; element = element->next)
	{
		if (element->kind != OG_JSON_OBJECT || ++count > OG_MAX_PARTS)
			return;
		is_ours |= key_of(t, second_member(element, id_name)) == 0;
	}

	for (const Node *element = answer->first; element; element = element->next)
	{
		const Node *part = btse_part(element);
		const Node *status = second_member(element, "status");
		Statement  *statement;

		if (!is_ours && part != NULL)
			state(t, STRANGER, OG_UNKNOWN, element);
		statement = state(t, 0, OG_UNKNOWN, element);
		statement->part = part;
		if (!is_ours)
			continue;
		statement->code = status;
		statement->message = second_member(element, "message");
		if (part != NULL)
			statement->verdict = btse_verdict(status);
	}
}

/* Silence means success only where the list of failures is surely whole. */
static bool
wangdian_hear_failures(Testimony *t, const Node *data)
{
	const Node *failures = second_member(data, "error_info");
	bool		whole = second_says_text(second_member(data, "status"), "0");
	int			count = 0;
	char		number[16];

	if (!second_is(failures, OG_JSON_ARRAY))
		return false;
	for (const Node *element = failures->first; element; element = element->next)
	{
		const Node *id = second_member(element, "order_no");
		const Node *reason = second_member(element, "message");

		count++;
		if (!second_is(reason, OG_JSON_STRING) || key_of(t, id) == STRANGER)
			whole = false;
		if (second_is_word(id))
			state(t, key_of(t, id),
				  !second_is(reason, OG_JSON_STRING) ? OG_UNKNOWN
				  : strcmp(reason->text, "采购退货单号不存在") == 0
				  ? OG_NOT_FOUND
				  : strcmp(reason->text, "采购退货单不是待审核或者编辑中状态") == 0
				  ? OG_NOT_CANCELLABLE : OG_REJECTED, element)
				->message = reason;
	}
	snprintf(number, sizeof(number), "%d", count);
	return whole && second_says_text(second_member(data, "error_num"), number);
}

static void
hear_wangdian(Testimony *t, const Node *answer)
{
	const Node *status = second_member(answer, "status");
	bool		whole = wangdian_hear_failures(t, second_member(answer, "data"));

	t->says_done = second_says_text(status, "0");
	t->says_refused = second_says_text(status, "100");
	if (t->says_done)
		t->silence = whole ? OG_CANCELLED : OG_UNKNOWN;
	else
	{
		t->silence = t->says_refused ? OG_REJECTED : OG_UNKNOWN;
		t->code = status;
		t->message = second_member(answer, "message");
	}
}

/*
 * ----
 * Weighing it against the HTTP status
 * ----
 */

/* Are two statements about one and the same order? */
static bool
is_same_order(const Statement *a, const Statement *b)
{
	if (a->key != b->key)
		return false;
	if (a->part == NULL || b->part == NULL)
		return a->part == b->part;
	return second_agree(a->part, b->part);
}

/* Is this all about a request that was not worked on? */
static bool
was_held_off(const Testimony *t)
{
	bool		all_too_frequent = true;
	bool		only_refusals = true;

	for (const Statement *s = t->statements; s != NULL; s = s->next)
	{
		if (s->key == STRANGER)
			return false;
		all_too_frequent &= s->verdict == OG_TOO_FREQUENT;
		only_refusals &= s->verdict == OG_TOO_FREQUENT ||
			s->verdict == OG_REJECTED;
		for (const Statement *o = t->statements; o != NULL; o = o->next)
		{
			/* Two words about one order are no refusal at all. */
			if (is_same_order(o, s) && o->verdict != s->verdict)
				return false;
		}
	}
	for (int i = 0; i < t->nkeys; i++)
	{
		bool		is_named = false;

		for (const Statement *s = t->statements; s != NULL; s = s->next)
			is_named |= s->key == i;
		all_too_frequent &= is_named;
	}
	if (t->silence == OG_CANCELLED)
		return false;
	return all_too_frequent || (only_refusals && !t->says_done);
}

/* What a verdict is worth under an HTTP status. */
static OgVerdict
under_status(const Testimony *t, int status, OgVerdict verdict)
{
	if (status >= 200 && status <= 299)
		return verdict;
	if (status == 429)
		return t->held_off ? OG_TOO_FREQUENT : OG_UNKNOWN;
	if (status < 400 || status > 499 || status == 408)
		return OG_UNKNOWN;
	return verdict == OG_CANCELLED ? OG_UNKNOWN : verdict;
}

/* An order that nobody speaks of. */
static Opinion
opinion_on_silence(const Testimony *t, int status)
{
	Opinion		opinion = {t->silence, NULL, t->code, t->message, NULL};

	if (status >= 200 && status <= 299)
	{
		if (t->says_refused && t->statements != NULL)
			opinion.verdict = OG_UNKNOWN;
	}
	else if (status == 429)
		opinion.verdict = under_status(t, status, OG_UNKNOWN);
	else if (status < 400 || status > 499 || status == 408 ||
			 t->statements != NULL || t->says_done)
		opinion.verdict = OG_UNKNOWN;
	else if (t->silence != OG_TOO_FREQUENT)
		opinion.verdict = OG_REJECTED;
	return opinion;
}

/* Everything that is said of the order that a statement is the first about. */
static Opinion
opinion_on_order(const Testimony *t, int status, const Statement *first)
{
	Opinion		opinion = {under_status(t, status, first->verdict),
		first->element, first->code, first->message, NULL};

	for (const Statement *s = first->next; s != NULL; s = s->next)
	{
		if (is_same_order(s, first) && s->verdict != first->verdict)
		{
			opinion.verdict = OG_UNKNOWN;
			opinion.code = opinion.message = NULL;
		}
	}
	return opinion;
}

static bool
is_first(const Testimony *t, const Statement *statement)
{
	const Statement *s = t->statements;

	while (!is_same_order(s, statement))
		s = s->next;
	return s == statement;
}

static Opinion
opinion_on_key(const Testimony *t, int status, int key)
{
	Opinion		opinion = opinion_on_silence(t, status);
	Opinion    *last = NULL;
	bool		all_again = true;

	for (const Statement *s = t->statements; s != NULL; s = s->next)
	{
		if (s->key != key || !is_first(t, s))
			continue;
		if (last != NULL)
			last = last->next = palloc(sizeof(Opinion));
		else
			last = &opinion;
		*last = opinion_on_order(t, status, s);
		all_again &= last->verdict == OG_TOO_FREQUENT;
	}

	/* A key goes again as a whole or not at all. */
	for (last = &opinion; last != NULL && opinion.element; last = last->next)
	{
		if (last->verdict == OG_TOO_FREQUENT && !all_again)
			last->verdict = OG_REJECTED;
	}
	return opinion;
}

Opinion *
second_opinion(const OgProvider *provider, int status, OgSlice answer,
			   const OgSlice *keys, int nkeys, const char *id_name,
			   int *foreign)
{
	Testimony	t = {.keys = keys, .nkeys = nkeys, .silence = OG_UNKNOWN};
	bool		is_final = (status >= 200 && status <= 299) ||
		(status >= 400 && status <= 599);
	const Node *top = is_final ? second_read(answer) : NULL;
	Opinion    *opinions = palloc(nkeys * sizeof(Opinion));

	t.last = &t.statements;
	if (top != NULL && provider == &og_xt)
		hear_xt(&t, top);
	else if (top != NULL && provider == &og_tronsave)
		hear_tronsave(&t, top);
	else if (top != NULL && provider == &og_btse)
		hear_btse(&t, top, id_name);
	else if (top != NULL)
		hear_wangdian(&t, top);

	t.held_off = was_held_off(&t);
	for (int i = 0; i < nkeys; i++)
		opinions[i] = opinion_on_key(&t, status, i);
	*foreign = 0;
	for (const Statement *s = t.statements; s != NULL; s = s->next)
		*foreign += s->key == STRANGER;
	return opinions;
}
