/*-------------------------------------------------------------------------
 *
 * test_order_id.c
 *		Known answers for src/ground/order_id.c, made by another program.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/order_id.h"
#include "server_shim.h"
#include "tap.h"

static const unsigned char counted[OG_INSTALLATION_BYTES] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};
static const unsigned char full[OG_INSTALLATION_BYTES] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};

static void
test_make(void)
{
	static const struct
	{
		const unsigned char *installation;
		int64		unix_ms;
		uint64		number;
		const char *id;
	}			cases[] = {
		{counted, INT64CONST(1764291600123), 0,
		"019ac7f9-5efb-8000-8000-00be45cb26ff"},
		{counted, INT64CONST(1764291600123), UINT64CONST(0x3ffffffff),
		"019ac7f9-5efb-8fff-bfff-ffbe45cb2695"},
		{counted, INT64CONST(1764291600123), UINT64CONST(0xfffffffc00000000),
		"019ac7f9-5efb-8000-8000-00be45cb26ff"},
		{counted, 0, UINT64CONST(0x123456789),
		"00000000-0000-848d-8567-89be45cb2667"},
		{full, INT64CONST(0xffffffffffff), 1,
		"ffffffff-ffff-8000-8000-015ac6a5941d"}
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		char	   *id = og_order_id_make(cases[i].installation,
										  cases[i].unix_ms, cases[i].number);

		is_text(id, cases[i].id, psprintf("made: %s", cases[i].id));
		ok(og_order_id_is_ours(cases[i].installation, og_slice_of(id)),
		   "... and known again");
		ok(og_order_id_ms(og_slice_of(id)) == cases[i].unix_ms,
		   "... with its time");
		ok(!og_order_id_is_ours(cases[i].installation == full ? counted : full,
								og_slice_of(id)),
		   "... but by nobody else");
	}
}

static void
test_ours(void)
{
	static const char *const others[] = {
		"",
		"019ac7f9-5efb-8000-8000-00be45cb26f",
		"019ac7f9-5efb-8000-8000-00be45cb26ff0",
		"019ac7f9-5efb-8000-8000-00be45cb26fg",
		"019ac7f95-efb-8000-8000-00be45cb26ff",
		"019ac7f95efb80008000-00be45cb26ff----",
		"019ac7f9-5efb-4000-8000-00be45cb26ff",
		"019ac7f9-5efb-8000-c000-00be45cb26ff",
		"019ac7f9-5efc-8000-8000-00be45cb26ff",
		"019ac7f9-5efb-8000-8000-01be45cb26ff",
		"019ac7f9-5efb-8000-8000-00be45cb27ff",
		"019ac7f9-5efb-8000-8000-00be45cb26fe",
		"7d444840-9dc0-41d1-b245-5ffdce74fad2"
	};
	const char *id = "019AC7F9-5EFB-8000-8000-00be45cb26ff";
	char	   *flipped = pstrdup("019ac7f9-5efb-8000-8000-00be45cb26ff");

	ok(og_order_id_is_ours(counted, og_slice_of(id)), "in capitals as well");
	ok(!og_order_id_is_ours(counted, og_slice(NULL, 0)), "not nothing");
	for (int i = 0; i < lengthof(others); i++)
		ok(!og_order_id_is_ours(counted, og_slice_of(others[i])),
		   "not ours: \"%s\"", others[i]);
	for (int i = 0; flipped[i] != '\0'; i++)
	{
		char		right = flipped[i];

		flipped[i] = right == 'e' ? 'd' : 'e';
		if (og_order_id_is_ours(counted, og_slice_of(flipped)))
			break;
		flipped[i] = right;
		if (i == OG_ORDER_ID_LENGTH - 1)
			ok(true, "no character may be another");
	}
}

int
main(void)
{
	test_make();
	test_ours();
	return done_testing();
}
