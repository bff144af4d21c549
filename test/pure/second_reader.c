/*-------------------------------------------------------------------------
 *
 * second_reader.c
 *		A second reader of JSON: a recursive descent, one function for each
 *		rule of RFC 8259.
 *
 * Every function steps over what it is named after, or sets "broken".  Once
 * that is set nothing is stepped over any more, so nobody has to look at it
 * in between.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "second_reader.h"

typedef struct Reader
{
	const unsigned char *at;
	const unsigned char *end;
	int			depth;
	bool		broken;
} Reader;

static Node *read_value(Reader *r);

/*
 * ----
 * Characters
 * ----
 */

/* Bytes of the character at "s", 0 if these are not valid UTF-8. */
static int
utf8_len(const unsigned char *s, size_t left)
{
	static const uint32 least[] = {0, 0, 0x80, 0x800, 0x10000};
	int			len = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3
		: *s >> 3 == 30 ? 4 : 0;
	uint32		code;

	if (len < 2 || (size_t) len > left)
		return len == 1 ? 1 : 0;
	code = *s & (0x7F >> len);
	for (int i = 1; i < len; i++)
	{
		if (s[i] >> 6 != 2)
			return 0;
		code = code << 6 | (s[i] & 0x3F);
	}
	if (code < least[len] || code > 0x10FFFF ||
		(code >= 0xD800 && code <= 0xDFFF))
		return 0;
	return len;
}

int
second_count(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *) text;
	int			count = 0;

	while (len > 0)
	{
		int			step = utf8_len(at, len);

		if (step == 0)
			return -1;
		at += step;
		len -= step;
		count++;
	}
	return count;
}

static void
put_utf8(StringInfo out, uint32 code)
{
	if (code < 0x80)
		appendStringInfoChar(out, code);
	else if (code < 0x800)
		appendStringInfoChar(out, 0xC0 | code >> 6);
	else if (code < 0x10000)
		appendStringInfoChar(out, 0xE0 | code >> 12);
	else
	{
		appendStringInfoChar(out, 0xF0 | code >> 18);
		appendStringInfoChar(out, 0x80 | (code >> 12 & 0x3F));
	}
	if (code >= 0x800)
		appendStringInfoChar(out, 0x80 | (code >> 6 & 0x3F));
	if (code >= 0x80)
		appendStringInfoChar(out, 0x80 | (code & 0x3F));
}

/* The byte that comes next, 0 at the end or when broken. */
static unsigned char
peek(const Reader *r)
{
	return r->broken || r->at >= r->end ? 0 : *r->at;
}

/* Step over this byte if it comes next. */
static bool
skip(Reader *r, unsigned char c)
{
	if (c == 0 || peek(r) != c)
		return false;
	r->at++;
	return true;
}

static void
expect(Reader *r, unsigned char c)
{
	if (!skip(r, c))
		r->broken = true;
}

static void
skip_blanks(Reader *r)
{
	while (skip(r, ' ') || skip(r, '\t') || skip(r, '\n') || skip(r, '\r'))
		;
}

/*
 * ----
 * Strings
 * ----
 */

/* The four hex digits behind "\u". */
static uint32
read_hex(Reader *r)
{
	static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
	uint32		code = 0;

	for (int i = 0; i < 4; i++)
	{
		const char *digit = peek(r) ? strchr(digits, peek(r)) : NULL;

		if (digit == NULL)
			r->broken = true;
		else
		{
			code = code * 16 + (uint32) (digit - digits) / 2;
			r->at++;
		}
	}
	return code;
}

static void
read_escape(Reader *r, StringInfo out)
{
	static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	uint32		code;

	if (!skip(r, 'u'))
	{
		for (int i = 0; letters[i] != '\0'; i += 2)
		{
			if (skip(r, letters[i]))
			{
				appendStringInfoChar(out, letters[i + 1]);
				return;
			}
		}
		r->broken = true;
		return;
	}

	code = read_hex(r);
	if (code >= 0xD800 && code <= 0xDBFF)
	{
		uint32		second;

		expect(r, '\\');
		expect(r, 'u');
		second = read_hex(r);
		if (second < 0xDC00 || second > 0xDFFF)
			r->broken = true;
		code = 0x10000 + (code - 0xD800) * 0x400 + (second - 0xDC00);
	}
	else if (code == 0 || (code >= 0xDC00 && code <= 0xDFFF))
		r->broken = true;
	if (!r->broken)
		put_utf8(out, code);
}

static char *
read_string(Reader *r)
{
	StringInfoData out;

	initStringInfo(&out);
	expect(r, '"');
	while (!r->broken && !skip(r, '"'))
	{
		int			len = peek(r) < ' ' ? 0 : utf8_len(r->at, r->end - r->at);

		if (skip(r, '\\'))
			read_escape(r, &out);
		else if (len == 0)
			r->broken = true;
		else
		{
			appendBinaryStringInfo(&out, (const char *) r->at, len);
			r->at += len;
		}
	}
	return out.data;
}

/*
 * ----
 * Numbers and literals
 * ----
 */

static void
skip_digits(Reader *r)
{
	if (peek(r) < '0' || peek(r) > '9')
		r->broken = true;
	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
}

static void
read_number(Reader *r)
{
	const unsigned char *start = r->at;

	skip(r, '-');
	if (!skip(r, '0'))
		skip_digits(r);
	if (skip(r, '.'))
		skip_digits(r);
	if (skip(r, 'e') || skip(r, 'E'))
	{
		uint32		exponent = 0;

		if (!skip(r, '+'))
			skip(r, '-');
		if (peek(r) < '0' || peek(r) > '9')
			r->broken = true;
		for (; peek(r) >= '0' && peek(r) <= '9'; r->at++)
			exponent = Min(exponent * 10 + (*r->at - '0'), 1000);
		if (exponent > OG_JSON_MAX_EXPONENT)
			r->broken = true;
	}
	if (r->at - start > OG_JSON_MAX_NUMBER)
		r->broken = true;
}

static void
read_literal(Reader *r, const char *literal)
{
	for (; *literal != '\0'; literal++)
		expect(r, *literal);
}

/*
 * ----
 * Arrays and objects
 * ----
 */

/* No key may stand there twice with values of different bytes. */
static bool
keys_agree(const Node *object)
{
	for (const Node *a = object->first; a != NULL; a = a->next)
	{
		for (const Node *b = a->next; b != NULL; b = b->next)
		{
			if (strcmp(a->name, b->name) == 0 &&
				(a->bytes.len != b->bytes.len ||
				 memcmp(a->bytes.data, b->bytes.data, a->bytes.len) != 0))
				return false;
		}
	}
	return true;
}

static void
read_items(Reader *r, Node *container)
{
	bool		is_object = container->kind == OG_JSON_OBJECT;
	char		bracket = is_object ? '}' : ']';
	Node	  **last = &container->first;

	r->at++;
	if (++r->depth > OG_JSON_MAX_DEPTH)
		r->broken = true;
	skip_blanks(r);
	while (!r->broken && !skip(r, bracket))
	{
		char	   *name = NULL;

		if (container->first != NULL)
			expect(r, ',');
		if (is_object)
		{
			skip_blanks(r);
			name = read_string(r);
			skip_blanks(r);
			expect(r, ':');
		}
		*last = read_value(r);
		(*last)->name = name;
		last = &(*last)->next;
		skip_blanks(r);
	}
	r->depth--;
	if (!r->broken && is_object && !keys_agree(container))
		r->broken = true;
}

static Node *
read_value(Reader *r)
{
	Node	   *node = palloc0(sizeof(Node));
	const unsigned char *start;

	skip_blanks(r);
	start = r->at;
	switch (peek(r))
	{
		case '{':
		case '[':
			node->kind = peek(r) == '{' ? OG_JSON_OBJECT : OG_JSON_ARRAY;
			read_items(r, node);
			break;
		case '"':
			node->kind = OG_JSON_STRING;
			node->text = read_string(r);
			break;
		case 't':
			node->kind = OG_JSON_TRUE;
			read_literal(r, "true");
			break;
		case 'f':
			node->kind = OG_JSON_FALSE;
			read_literal(r, "false");
			break;
		case 'n':
			node->kind = OG_JSON_NULL;
			read_literal(r, "null");
			break;
		default:
			node->kind = OG_JSON_NUMBER;
			read_number(r);
	}
	node->bytes = og_slice((const char *) start, r->at - start);
	return node;
}

const Node *
second_read(OgSlice answer)
{
	Reader		r = {0};
	Node	   *top;

	r.at = (const unsigned char *) answer.data;
	r.end = r.at + answer.len;
	top = read_value(&r);
	skip_blanks(&r);
	return r.broken || r.at < r.end ? NULL : top;
}

/*
 * ----
 * Questions about a tree
 * ----
 */

bool
second_is(const Node *value, OgJsonKind kind)
{
	return value != NULL && value->kind == kind;
}

bool
second_is_word(const Node *value)
{
	return second_is(value, OG_JSON_STRING) ||
		second_is(value, OG_JSON_NUMBER);
}

const Node *
second_member(const Node *object, const char *name)
{
	if (!second_is(object, OG_JSON_OBJECT))
		return NULL;
	for (const Node *member = object->first; member; member = member->next)
	{
		if (strcmp(member->name, name) == 0)
			return member;
	}
	return NULL;
}

/* What a string says, or how anything else is spelled. */
static OgSlice
words_of(const Node *value)
{
	return value->text != NULL ? og_slice_of(value->text) : value->bytes;
}

bool
second_says(const Node *value, OgSlice text)
{
	OgSlice		words;

	if (!second_is_word(value))
		return false;
	words = words_of(value);
	return words.len == text.len &&
		memcmp(words.data, text.data, text.len) == 0;
}

bool
second_says_text(const Node *value, const char *text)
{
	return second_says(value, og_slice_of(text));
}

bool
second_agree(const Node *a, const Node *b)
{
	return second_is_word(a) && second_says(b, words_of(a));
}

char *
second_shown(const Node *value, int max_chars)
{
	OgSlice		words;
	size_t		len = 0;

	if (value == NULL || value->kind == OG_JSON_NULL)
		return NULL;
	words = words_of(value);
	for (; len < words.len && max_chars > 0; max_chars--)
		len += utf8_len((const unsigned char *) words.data + len,
						words.len - len);
	return pnstrdup(words.data, len);
}

/* The mantissa of a number without its point, and where that was, by the exponent. */
static char *
digits_of(const char *number, int *point)
{
	char	   *digits = palloc(strlen(number) + 1);
	int			count = 0;

	*point = -1;
	for (; *number != '\0' && strchr("eE", *number) == NULL; number++)
	{
		if (*number == '.')
			*point = count;
		else if (*number != '-')
			digits[count++] = *number;
	}
	digits[count] = '\0';
	if (*point < 0)
		*point = count;
	if (*number != '\0')
		*point += (int) strtol(number + 1, NULL, 10);
	return digits;
}

char *
second_number(const Node *value, int *count)
{
	StringInfoData out;
	const Node *number;
	char	   *text;
	char	   *digits;
	int			point;
	int			zeros;

	if (!second_is_word(value))
		return NULL;
	text = pnstrdup(words_of(value).data, words_of(value).len);
	number = second_read(og_slice_of(text));
	if (number == NULL || number->kind != OG_JSON_NUMBER ||
		number->bytes.len != strlen(text))
		return NULL;
	digits = digits_of(text, &point);
	*count = (int) strlen(digits);

	/* In front of the point, one zero stays; all are, if it is nothing else. */
	zeros = (int) strspn(digits, "0");
	if (zeros == *count || zeros >= point)
		zeros = point - 1;

	initStringInfo(&out);
	if (text[0] == '-' && strspn(digits, "0") < strlen(digits))
		appendStringInfoChar(&out, '-');
	if (point <= 0)
		appendStringInfoChar(&out, '0');
	for (int i = Max(zeros, 0); i < point; i++)
		appendStringInfoChar(&out, i < *count ? digits[i] : '0');
	if (point < *count)
		appendStringInfoChar(&out, '.');
	for (int i = point; i < *count; i++)
		appendStringInfoChar(&out, i < 0 ? '0' : digits[i]);
	return out.data;
}
