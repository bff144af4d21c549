/*-------------------------------------------------------------------------
 *
 * provider_btse_invest.c
 *		BTSE's reads of investments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "provider_btse.h"

static bool
btse_build_products(OgRequest *request, const OgBatch *batch)
{
	og_btse_get(request, "/api/v3.3/invest/products", batch, NULL);
	return true;
}

static bool
btse_build_invest_orders(OgRequest *request, const OgBatch *batch)
{
	og_btse_get(request, "/api/v3.3/invest/orders", batch, NULL);
	return true;
}

static bool
btse_build_invest_history(OgRequest *request, const OgBatch *batch)
{
	og_btse_get(request, "/api/v3.3/invest/history", batch, NULL);
	return true;
}

#define BTSE_READ .kind = OG_READ, .lane = OG_LANE_QUERIES

const OgOperation og_btse_invest_operations[] = {
	{
		.name = "invest_products", BTSE_READ,
		.build = btse_build_products,
		.columns = og_btse_product_columns,
		.read_records = og_btse_read_list
	},
	{
		.name = "invest_orders", BTSE_READ,
		.build = btse_build_invest_orders,
		.columns = og_btse_investment_columns,
		.read_records = og_btse_read_list
	},
	{
		.name = "invest_history", BTSE_READ,
		.build = btse_build_invest_history,
		.columns = og_btse_investing_columns,
		.read_records = og_btse_read_list
	},
	{.name = NULL}
};
