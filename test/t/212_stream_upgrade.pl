# pg_upgrade gives servers other OIDs: streams go on, each fill is still there once,
# in the log and in a table of a user, and whoever saw them sees them.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;

use OrderGateway::Appended;
use OrderGateway::Journal;
use OrderGateway::Test;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;
my $old = $streams->node;

my $SERVERS = q{SELECT string_agg(srvname || '=' || oid, ' ' ORDER BY srvname) FROM pg_foreign_server
	WHERE srvname IN ('btse', 'exchange', 'gone')};
my $SEEN = q{SET ROLE viewer; SELECT (SELECT count(*) FROM btse_trade_log) || ' trades ' ||
	(SELECT count(*) FROM order_gateway_streams) || ' stream ' ||
	(SELECT count(*) > 0 FROM btse_stream_event WHERE kind = 'trades') || ' events ' ||
	(SELECT count(*) FROM btse_fill_log) || ' fills'};

sub upgraded
{
	my ($name) = @_;
	my $new = PostgreSQL::Test::Cluster->new($name);
	my $bin = $old->config_data('--bindir');
	my $settings = join '', map { "$_\n" } grep { /^(?:shared_preload|order_gateway|max_worker|restart_after)/ }
	  split /\n/, PostgreSQL::Test::Utils::slurp_file($old->data_dir . '/postgresql.conf');

	$new->init;
	$new->append_conf('postgresql.conf', $settings);
	$new->command_ok([
			'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
			'-s', $new->host, '-p', $old->port, '-P', $new->port
		],
		'the server can be upgraded');
	return $new;
}

# ---------- before ----------

# A server that was followed, dropped and made anew; the streams that count are at one
# that got another name, which a third has now.
my $start = q{SELECT btse_stream_start('fills', server => 'gone')};

$streams->sql($_) foreach (
	$sandbox->server_sql('btse', name => 'gone', streams => 1), $sandbox->mapping_sql('btse', name => 'gone'),
	$start, 'DROP SERVER gone CASCADE',
	$sandbox->server_sql('btse', name => 'gone', streams => 1), $sandbox->mapping_sql('btse', name => 'gone'),
	'CREATE TABLE fills (serial_id text, filled_price numeric, filled_size numeric, server name)',
	q{CREATE ROLE trader; GRANT USAGE ON FOREIGN SERVER btse TO trader;
		GRANT EXECUTE ON FUNCTION btse_stream_start TO trader},
	'CREATE ROLE viewer; GRANT USAGE ON FOREIGN SERVER btse TO viewer',
	'CREATE SCHEMA desk AUTHORIZATION trader',
	'ALTER TABLE fills OWNER TO trader; ALTER TABLE fills SET SCHEMA desk',
	$sandbox->mapping_sql('btse', role => 'trader'));

my $log = $streams->follow('fills');
my $into = $streams->follow('fills', into => 'desk.fills', role => 'trader');
my $trades = $streams->follow('trades', symbol => 'BTC-USD');

$streams->fill(10);
$streams->sql('ALTER SERVER btse RENAME TO exchange');
$streams->sql($_) foreach ($sandbox->server_sql('btse', streams => 1),
	$sandbox->mapping_sql('btse'));
$streams->fill(3);
$streams->fills_ok('before: the log');
$streams->fills_ok('before: the table', table => 'desk.fills');
$streams->wait_sql(q{SELECT string_agg(DISTINCT server, ',' ORDER BY server) FROM btse_fill_log}, 'exchange',
	'the server has another name');
$streams->wait_sql(q{SELECT count(*) FROM order_gateway_stream_server WHERE server = 'exchange'}, '1',
	'... by which it will be found');
$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
$sandbox->burst(100);
$sandbox->stop_trading;
$streams->wait_sql('SELECT count(*) > 10 FROM btse_trade_log', 't', 'before: trades');
$streams->wait_sql(q{SELECT count(*) > 0 FROM order_gateway_stream_mark WHERE complete_until IS NOT NULL}, 't',
	'it is known up to when they are complete');

my $servers = $streams->sql($SERVERS);
my $roles = $streams->sql(q{SELECT string_agg(oid::text, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('trader', 'viewer')});

$old->stop;

# ---------- after ----------

my $new = upgraded('new');
$streams->{test}{node} = $new;
$streams->fill(4);
$new->start;
$streams->test->wait_for_worker('it has a worker then');
isnt($streams->sql($SERVERS), $servers, 'servers have other OIDs');
is($streams->sql(q{SELECT string_agg(oid::text, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('trader', 'viewer')}),
	$roles, 'roles have the same');
$streams->state_ok($log, 'live', 'the log is live');
$streams->state_ok($into, 'live', '... and the table');
$streams->state_ok($trades, 'live', '... and trades');
is($streams->sql("SELECT string_agg(DISTINCT server, ',') FROM order_gateway_streams WHERE stream_id IN ($log, $into, $trades)"),
	'exchange', '... at the same server');
$streams->fill(3);
$streams->fills_ok('after: the log has each fill once');
$streams->fills_ok('after: the table has each fill once', table => 'desk.fills');

# What a provider is asked for once more is what was appended before.
$sandbox->close_streams(how => 'drop');
$streams->fill(2);
$streams->state_ok($log, 'live', 'another pass');
$streams->fills_ok('another pass: the log');
$streams->fills_ok('another pass: the table', table => 'desk.fills');
is($streams->sql(q{SELECT DISTINCT server FROM btse_fill_log}), 'exchange', 'all of it is of one server');
like($streams->sql($SEEN), qr/^[1-9]\d* trades 1 stream true events 0 fills$/,
	'who has USAGE on it sees what is public');
$streams->sql('GRANT USAGE ON FOREIGN SERVER btse TO trader; REVOKE USAGE ON FOREIGN SERVER exchange FROM viewer;
	GRANT USAGE ON FOREIGN SERVER btse, gone TO viewer');
is($streams->sql($SEEN), '0 trades 0 stream false events 0 fills', '... and who has it on another one does not');
like($streams->sql(q{SELECT string_agg(state || ': ' || last_error, ',') FROM order_gateway_streams WHERE server = 'gone'}),
	qr/^refused: .*does not exist any more/, 'a server that was dropped is not taken for one of its name');

done_testing();
