/*-------------------------------------------------------------------------
 *
 * decimal.c
 *		Prices and sizes: exact decimals that are not negative, to calculate with
 *		a lot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/decimal.h"
#include "ground/json_internal.h"

/* Digits in each half. */
#define HALF_DIGITS		(OG_DECIMAL_DIGITS / 2)

static const uint64 powers[HALF_DIGITS + 1] = {
	UINT64CONST(1),
	UINT64CONST(10),
	UINT64CONST(100),
	UINT64CONST(1000),
	UINT64CONST(10000),
	UINT64CONST(100000),
	UINT64CONST(1000000),
	UINT64CONST(10000000),
	UINT64CONST(100000000),
	UINT64CONST(1000000000),
	UINT64CONST(10000000000),
	UINT64CONST(100000000000),
	UINT64CONST(1000000000000),
	UINT64CONST(10000000000000),
	UINT64CONST(100000000000000),
	UINT64CONST(1000000000000000),
	UINT64CONST(10000000000000000),
	UINT64CONST(100000000000000000),
	OG_DECIMAL_HALF
};

/* ---------- reading ---------- */

/* Significant digits, while they come: the first half, and those behind it. */
typedef struct Digits
{
	uint64		first;
	uint64		second;
	int			count;			/* without zeros in front of all others */
} Digits;

/*
 * Step over digits and add them.  What is beyond all that there is room for is
 * only counted.
 */
static inline const char *
add_digits(Digits *digits, const char *at, const char *end)
{
	for (; at < end && *at >= '0' && *at <= '9'; at++)
	{
		int			digit = *at - '0';

		if (digit == 0 && digits->count == 0)
			continue;
		if (digits->count < HALF_DIGITS)
			digits->first = digits->first * 10 + digit;
		else if (digits->count < OG_DECIMAL_DIGITS)
			digits->second = digits->second * 10 + digit;
		digits->count++;
	}
	return at;
}

/* Put the halves together: the second one has all of its digits then. */
static void
join_digits(const Digits *digits, OgDecimal *decimal)
{
	int			behind = digits->count - HALF_DIGITS;

	if (behind <= 0)
	{
		decimal->high = 0;
		decimal->low = digits->first;
	}
	else
	{
		uint64		unit = powers[HALF_DIGITS - behind];

		decimal->high = digits->first / unit;
		decimal->low = digits->first % unit * powers[behind] + digits->second;
	}
}

/*
 * Read an exponent, if there is one, up to the end.  False if it is none, or is
 * too large.
 */
static bool
read_exponent(const char *at, const char *end, int *exponent)
{
	bool		minus = false;

	*exponent = 0;
	if (at == end)
		return true;
	if (*at != 'e' && *at != 'E')
		return false;
	at++;
	if (at < end && (*at == '+' || *at == '-'))
		minus = *at++ == '-';
	if (at == end || og_json_skip_digits(at, end) != end ||
		!og_json_read_exponent(at, end, exponent))
		return false;
	if (minus)
		*exponent = -*exponent;
	return true;
}

bool
og_decimal_read(OgSlice value, OgDecimal *decimal)
{
	OgJsonKind	kind = og_json_kind(value);
	int			quote = kind == OG_JSON_STRING ? 1 : 0;
	Digits		digits = {0, 0, 0};
	const char *first;
	const char *end;
	const char *at;
	int			exponent;

	if ((kind != OG_JSON_STRING && kind != OG_JSON_NUMBER) ||
		value.len > OG_JSON_MAX_NUMBER + 2 * quote)
		return false;
	first = value.data + quote;
	end = value.data + value.len - quote;
	decimal->scale = 0;

	at = add_digits(&digits, first, end);
	if (at == first || (*first == '0' && at > first + 1))
		return false;
	if (at < end && *at == '.')
	{
		const char *point = at;

		at = add_digits(&digits, point + 1, end);
		decimal->scale = (int) (at - point) - 1;
		if (decimal->scale == 0)
			return false;
	}
	if (digits.count > OG_DECIMAL_DIGITS || !read_exponent(at, end, &exponent))
		return false;
	join_digits(&digits, decimal);
	decimal->scale -= exponent;
	return true;
}

/* ---------- comparing ---------- */

/*
 * Give a number that is not zero more places.  False if it has no room for them:
 * then it is above all that there are with so many places.
 */
static bool
add_places(OgDecimal *decimal, int places)
{
	for (; places > 0; places--)
	{
		uint64		low = decimal->low * 10;

		decimal->high = decimal->high * 10 + low / OG_DECIMAL_HALF;
		decimal->low = low % OG_DECIMAL_HALF;
		if (decimal->high >= OG_DECIMAL_HALF)
			return false;
	}
	return true;
}

static inline int
compare_digits(const OgDecimal *a, const OgDecimal *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

int
og_decimal_compare(const OgDecimal *a, const OgDecimal *b)
{
	OgDecimal	wide;

	if (a->scale == b->scale || og_decimal_is_zero(a) || og_decimal_is_zero(b))
		return compare_digits(a, b);
	if (a->scale > b->scale)
		return -og_decimal_compare(b, a);
	wide = *a;
	return add_places(&wide, b->scale - a->scale) ? compare_digits(&wide, b) : 1;
}

/* ---------- writing ---------- */

/* The digits alone, at least one. */
static int
write_digits(const OgDecimal *decimal, char *text)
{
	if (decimal->high == 0)
		return sprintf(text, UINT64_FORMAT, decimal->low);
	return sprintf(text, UINT64_FORMAT "%0*llu", decimal->high, HALF_DIGITS,
				   (unsigned long long) decimal->low);
}

int
og_decimal_write(const OgDecimal *decimal, char *text)
{
	int			scale = decimal->scale;
	char		digits[OG_DECIMAL_DIGITS + 2];
	int			count = write_digits(decimal, digits);
	int			whole = count - scale;	/* digits in front of the point */
	char	   *at = text;

	if (scale <= 0)
	{
		int			zeros = og_decimal_is_zero(decimal) ? 0 : -scale;

		memcpy(at, digits, count);
		memset(at + count, '0', zeros);
		at += count + zeros;
	}
	else
	{
		if (whole <= 0)
		{
			*at++ = '0';
			*at++ = '.';
			memset(at, '0', -whole);
			at += -whole;
			whole = 0;
		}
		else
		{
			memcpy(at, digits, whole);
			at += whole;
			*at++ = '.';
		}
		memcpy(at, digits + whole, count - whole);
		at += count - whole;
	}
	*at = '\0';
	return (int) (at - text);
}
