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

#include "second_testimony.h"

Statement *
second_state(Testimony *t, int key, OgVerdict verdict, const Node *element)
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
int
second_key_of(const Testimony *t, const Node *id)
{
	for (int i = 0; i < t->nkeys; i++)
	{
		if (second_says(id, t->keys[i]))
			return i;
	}
	return STRANGER;
}

/* The first member of these names that is there and not null. */
const Node *
second_first_of(const Node *object, const char *const *names)
{
	for (; *names != NULL; names++)
	{
		const Node *member = second_member(object, *names);

		if (member != NULL && member->kind != OG_JSON_NULL)
			return member;
	}
	return NULL;
}

bool
second_is_any_of(const Node *value, const char *const *texts)
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
 * Three of the providers; the fourth is in second_btse.c
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
	t->says_refused = second_is_any_of(code, refusals);
	if (t->says_refused)
		t->silence = OG_REJECTED;
	if (!t->says_done)
	{
		t->code = code;
		t->message = second_first_of(answer, messages);
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
		statement = second_state(t, second_key_of(t, id), xt_verdict(code), element);
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
			second_state(t, second_key_of(t, id), tronsave_verdict(element), element)
				->message = second_member(element, "fail_reason");
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
		if (!second_is(reason, OG_JSON_STRING) || second_key_of(t, id) == STRANGER)
			whole = false;
		if (second_is_word(id))
			second_state(t, second_key_of(t, id),
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
	if (t->silence == OG_CANCELLED || t->silence == OG_ACCEPTED)
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
	return verdict == OG_CANCELLED || verdict == OG_ACCEPTED
		? OG_UNKNOWN : verdict;
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

/* Places for the digits of any number that an answer may have, and its sign. */
#define PLACES	512

/* Lay a number out digit by digit; false for what is none. */
static bool
lay_out(const char *text, char *places)
{
	const char *c = text + (text[0] == '-');
	const char *first = c;
	int			whole;
	int			digits;
	int			shift;

	memset(places, '0', PLACES);
	whole = (int) strspn(c, "0123456789");
	if (strlen(text) > OG_JSON_MAX_NUMBER || whole == 0 ||
		(whole > 1 && c[0] == '0'))
		return false;
	c += whole;
	digits = whole;
	if (*c == '.')
	{
		int			fraction = (int) strspn(c + 1, "0123456789");

		if (fraction == 0)
			return false;
		digits += fraction;
		c += 1 + fraction;
	}
	shift = 0;
	if (*c == 'e' || *c == 'E')
	{
		const char *power = c + 1 + (c[1] == '+' || c[1] == '-');

		if (*power < '0' || *power > '9' || strtol(power, NULL, 10) > OG_JSON_MAX_EXPONENT)
			return false;
		shift = (int) strtol(c + 1, NULL, 10);
		c = power + strspn(power, "0123456789");
	}
	if (*c != '\0')
		return false;
	for (int i = 0; i < digits; i++)
		places[PLACES / 2 + i - whole - shift] = first[i + (i >= whole)];
	places[0] = '+';
	for (int i = 1; i < PLACES; i++)
		if (text[0] == '-' && places[i] != '0')
			places[0] = '-';
	return true;
}

static bool
is_same_number(const Node *value, const char *number)
{
	char		said[PLACES];
	char		sent[PLACES];

	return second_is_word(value) &&
		lay_out(second_shown(value, OG_JSON_MAX_NUMBER + 1), said) &&
		lay_out(number, sent) && memcmp(said, sent, PLACES) == 0;
}

/* Does a body, which should not be there, speak against its status? */
static bool
is_harmless(const Asked *asked, const Node *top, OgSlice key)
{
	static const char *const named[] = {"timeout", "productId", "orderId"};
	static const char *const errors[] = {"errorCode", "error", NULL};
	static const char *const codes[] = {"code", "status", NULL};
	static const char *const words[] = {"message", "msg", NULL};
	const Node *amount = second_member(top, "amount");
	const Node *code;

	if (asked->amount != NULL && amount != NULL &&
		!second_is(amount, OG_JSON_NULL) &&
		!is_same_number(amount, asked->amount))
		return false;
	for (size_t i = 0; i < lengthof(named); i++)
	{
		const Node *name = second_member(top, named[i]);

		if (name != NULL && !second_is(name, OG_JSON_NULL) &&
			!second_says(name, key))
			return false;
	}
	if (top->kind == OG_JSON_OBJECT)
	{
		code = second_first_of(top, codes);
		if (second_first_of(top, errors) != NULL ||
			second_is(second_member(top, "success"), OG_JSON_FALSE))
			return false;
		return code == NULL ? second_first_of(top, words) == NULL
			: second_says_text(code, "20") || second_says_text(code, "200");
	}
	if (top->kind == OG_JSON_ARRAY)
		return top->first == NULL;
	return top->kind == OG_JSON_NULL || top->kind == OG_JSON_TRUE ||
		(top->kind == OG_JSON_STRING && second_says_text(top, ""));
}

/* Acts that are documented to answer nothing, and then all is well. */
static bool
is_good_silence(const Asked *asked, int status, OgSlice answer,
				const Node *top, OgSlice key)
{
	static const char *const silent[] = {
		"cancel_all_after", "invest_deposit", "invest_redeem"
	};

	for (size_t i = 0; i < lengthof(silent); i++)
	{
		if (strcmp(asked->operation, silent[i]) != 0)
			continue;
		return status >= 200 && status <= 299 &&
			(top != NULL ? is_harmless(asked, top, key)
			 : strspn(pnstrdup(answer.data, answer.len), " \t\r\n") == answer.len);
	}
	return false;
}

Opinion *
second_opinion(const Asked *asked, int status, OgSlice answer,
			   const OgSlice *keys, int nkeys, int *foreign)
{
	const OgProvider *provider = asked->provider;
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
		second_hear_btse(&t, asked, top);
	else if (top != NULL)
		hear_wangdian(&t, top);

	if (is_good_silence(asked, status, answer, top, keys[0]))
		t.silence = OG_ACCEPTED;
	t.held_off = was_held_off(&t);
	for (int i = 0; i < nkeys; i++)
		opinions[i] = opinion_on_key(&t, status, i);
	*foreign = 0;
	for (const Statement *s = t.statements; s != NULL; s = s->next)
		*foreign += s->key == STRANGER;
	return opinions;
}
