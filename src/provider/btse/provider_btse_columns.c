/*-------------------------------------------------------------------------
 *
 * provider_btse_columns.c
 *		Columns of what BTSE answers, and the names of its codes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

#define FIELDS "provider/btse/btse_fields.def"
#include "provider/fields.h"
