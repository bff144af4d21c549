/*-------------------------------------------------------------------------
 *
 * fields.h
 *		Tables of columns and codes, from a file that says all of each field.
 *
 * What a field is called in SQL, of which type it is, where an answer has it
 * and what it means stands on one line of a file *_fields.def.  C includes
 * that file as it is, once:
 *
 *	#define FIELDS "provider/xt_fields.def"
 *	#include "provider/fields.h"
 *
 * and so gets the tables in it.  From the same lines "make generate"
 * (src/generate.pl) writes the row types of the install script, with their
 * comments; the reference of the documents follows from the catalog ("make
 * docs", src/document.pl).  Both are run by who changes a line, not by a build;
 * "make check" tells when that was forgotten.
 *
 * CODES(name)				a table of numbers and their names, up to END
 *	CODE(number, name, "what it means")
 *		A comment may say them: "{name}" is "0 submitted, 1 open, ...", and
 *		"{names of name}" is "submitted, open or ..."
 * TABLE(name)				a table of columns, up to END
 * TYPE(name, "comment")	a row type in SQL: its attributes follow.  Several in
 *							one table take their columns from it.
 * ROW(name, "comment")		what a function answers without such a type; comments
 *							are for documents only, and may have `names`
 * VIEW(name, "comment")	a view
 *	FIELD(column, KIND, "member", "comment")
 *		a member of an answer's element, of OgColumnType OG_KIND; no other
 *		column's, unless by an older name of that one
 *	RENAMED(column, KIND, ("member", "older name", ...), "comment")
 *		one that documents call in several ways, the newest first
 *	PLACE(column, KIND, "comment")
 *		what has no name in the answer: its reader knows where it is
 *	NAME(column, codes, "comment")
 *		the name of the code in the field before
 *	HIDDEN(column, KIND, "member")
 *		one that SQL has not, but C asks for
 *	OURS(column, type, "comment")
 *		what no answer has, of an SQL type
 *	AGAIN(column), AGAIN(column, "comment")
 *		a column that stands above, in the same table or as one of OURS
 *	RAW
 *		the element itself, which readers of rows may look into
 * ARGUMENT(name, "comment")	what an argument of that name is, for documents
 *							only, in all functions but those of which
 * ARGUMENT_OF(function, name, "comment")	says something else
 *
 *-------------------------------------------------------------------------
 */
#define LIST(...)	{__VA_ARGS__}
#define CODES(name)	static const OgCode name[] = {
#define CODE(number, name, meaning)	{number, #name, meaning},
#define TABLE(name)	static const OgColumn name[] = {
#define FIELD(name, kind, member, comment)	{#name, OG_##kind, {member}},
#define RENAMED(name, kind, members, comment)	{#name, OG_##kind, LIST members},
#define PLACE(name, kind, comment)	{#name, OG_##kind},
#define NAME(name, codes, comment)	{#name, OG_NAME_OF_CODE, {NULL}, codes},
#define HIDDEN(name, kind, member)	{#name, OG_##kind, {member}},
#define END	{0}};

/* What only SQL and the documents have. */
#define TYPE(name, comment)
#define ROW(name, comment)
#define VIEW(name, comment)
#define OURS(name, type, comment)
#define AGAIN(...)
#define RAW

#include FIELDS

#undef FIELDS
#undef LIST
#undef CODES
#undef CODE
#undef TABLE
#undef FIELD
#undef RENAMED
#undef PLACE
#undef NAME
#undef HIDDEN
#undef END
#undef TYPE
#undef ROW
#undef VIEW
#undef OURS
#undef AGAIN
#undef RAW
