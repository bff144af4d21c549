/*-------------------------------------------------------------------------
 *
 * provider_btse_invest.c
 *		BTSE's reads of investments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider/btse/provider_btse.h"

const OgOperation og_btse_invest_operations[] = {
	{
		.name = "invest_products", BTSE_READ,
		.path = "/api/v3.3/invest/products",
		.columns = og_btse_product_columns,
		.read_records = og_btse_read_list
	},
	{
		.name = "invest_orders", BTSE_READ,
		.path = "/api/v3.3/invest/orders",
		.columns = og_btse_investment_columns,
		.read_records = og_btse_read_list
	},
	{
		.name = "invest_history", BTSE_READ,
		.path = "/api/v3.3/invest/history",
		.columns = og_btse_investing_columns,
		.read_records = og_btse_read_list
	},
	{.name = NULL}
};
