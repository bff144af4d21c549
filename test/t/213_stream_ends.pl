# A stream worker that is told to end, or a server that is shut down, writes what it
# has: what is told once would be lost.  It waits for nobody meanwhile.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;
my $node = $streams->node;
my $PID = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'};

# More than it takes, whatever the machine does; and less than anybody would wait.
my $ENDS_SECONDS = 20;

sub set_flush
{
	my ($value) = @_;

	$streams->sql("ALTER SYSTEM SET order_gateway.stream_flush = '$value'");
	$node->reload;
	return;
}

sub end_worker
{
	my ($name) = @_;
	my $pid = $streams->sql($PID);
	my $begun = time;

	kill 'TERM', $pid;
	$streams->wait_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0', "$name: it ends", $ENDS_SECONDS);
	return time - $begun;
}

# Who ends it.
my %END = (
	'a worker that is told to end' => sub { end_worker('with rows that wait'); },
	'a fast shutdown' => sub { $node->stop('fast'); $node->start; });

$streams->add_trader(q{
	CREATE TABLE desk.told (order_id text, status int)});

# What catches errors of its own is not cancelled for that.
$streams->sql(q{
	SET ROLE trader;
	CREATE FUNCTION desk.tries() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		BEGIN
			RAISE unique_violation;
		EXCEPTION WHEN unique_violation THEN
			NULL;
		END;
		RETURN NEW;
	END $$;
	CREATE TRIGGER tries BEFORE INSERT ON desk.told FOR EACH ROW EXECUTE FUNCTION desk.tries()});

my $fills = $streams->follow('fills');
my $told = $streams->follow('notifications');
my $into = $streams->follow('notifications', into => 'desk.told', role => 'trader');
my $session = $streams->test->session;

my $TABLES = 'order_gateway_stream_fill, order_gateway_stream_notification, desk.told';

foreach my $how (sort keys %END)
{
	my $name = $how;

	# Rows wait while their tables are locked, and then for a flush that is far.
	$session->query("BEGIN; LOCK TABLE $TABLES IN SHARE MODE");
	my $before = $streams->sql('SELECT count(*) FROM btse_notification_log');
	$streams->fill(5);
	$streams->wait_sql(q{SELECT min(queued) FILTER (WHERE kind = 'fills') || ' ' ||
		bool_and(queued > 0)::text FROM order_gateway_streams}, '5 true', "$name: rows wait");
	set_flush('60s');
	sleep 2.5;
	my $queued = $streams->sql("SELECT queued FROM order_gateway_streams WHERE stream_id = $told");
	set_flush('100ms');		# for the next one: this one has its pause
	$session->query('COMMIT');
	$END{$how}->();
	$session = $streams->test->session;
	$streams->wait_sql('SELECT count(*) FROM btse_notification_log', $before + $queued,
		"$name: notifications are written", $ENDS_SECONDS);
	is($streams->sql('SELECT count(*) FROM desk.told'), $before + $queued, '... into a table of a user, too');
	is($streams->sql("SELECT DISTINCT source FROM btse_fill_log"), 'stream', '... and fills');
	$streams->state_ok($_, 'live', "$name: live again") foreach $fills, $told, $into;
	is($streams->sql(q{SELECT count(*) FROM btse_stream_event AS e,
			(SELECT received_at AS at FROM btse_notification_log ORDER BY received_at DESC OFFSET 1 LIMIT 1) AS n
		WHERE event = 'hole' AND kind = 'notifications' AND n.at BETWEEN from_time AND to_time}), '0',
		'... and no hole is told where there was none');
	$streams->fills_ok("$name: each fill is there once");
}

# ---------- nobody is waited for ----------

$session->query("BEGIN; LOCK TABLE $TABLES IN ACCESS EXCLUSIVE MODE");
$sandbox->seed('btse', market => 'BTC-USD', ids => ['a1b2c3d4-0000-4000-8000-000000000001'],
	fields => { size => '3.5', price => '10' });
$sandbox->fill('btse', 'a1b2c3d4-0000-4000-8000-000000000001', size => '1', price => '10');
$streams->wait_sql(q{SELECT bool_and(queued > 0)::text FROM order_gateway_streams}, 'true', 'rows wait');
end_worker('tables that are locked');
$session->query('ROLLBACK');
$streams->state_ok($_, 'live', 'live again') foreach $fills, $told, $into;
$streams->fills_ok('fills are read afterwards');

# A trigger that sleeps, also while somebody is told to end.
$streams->sql(q{SET ROLE trader;
	CREATE FUNCTION desk.rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_sleep(3600); RETURN NEW; END $$;
	CREATE TRIGGER rest BEFORE INSERT ON desk.told FOR EACH ROW EXECUTE FUNCTION desk.rest()});
$streams->fill(1);
$streams->wait_sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}, '1', 'a trigger sleeps');
cmp_ok(end_worker('a trigger that sleeps'), '<', $ENDS_SECONDS, 'it is not waited for');
$streams->sql('DROP TRIGGER rest ON desk.told');
$streams->state_ok($_, 'live', 'live again') foreach $fills, $told, $into;

# Nothing waits.
$streams->wait_sql(q{SELECT sum(queued) FROM order_gateway_streams}, '0', 'nothing waits');
my $took = end_worker('nothing to be written');
note(sprintf 'it took %.3f s', $took);
$streams->state_ok($_, 'live', 'live again') foreach $fills, $told, $into;
$streams->fills_ok('and each fill is there once');

# ---------- a server that got another name in the last moment ----------

# The worker stands still meanwhile, so that it has not looked since.
$streams->sql('SET ROLE trader; CREATE TABLE desk.named (serial_id text, server name)');
my $named = $streams->follow('fills', into => 'desk.named', role => 'trader');
$streams->fill(1);
$streams->wait_sql(q{SELECT count(*) > 0 FROM desk.named WHERE server = 'btse'}, 't', 'rows have the name of their server');
my $pid = $streams->sql($PID);
kill 'STOP', $pid;
$streams->sql('ALTER SERVER btse RENAME TO exchange');
$streams->fill(1);
$node->append_conf('postgresql.conf', "order_gateway.databases = ''");
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
kill 'INT', $postmaster;
sleep 0.5;
kill 'CONT', $pid;
$streams->test->wait_until(sub { return !kill 0, $postmaster }, 'the server is shut down');
$node->stop('fast', fail_ok => 1);
$node->start;
is($streams->sql('SELECT string_agg(DISTINCT server, $$,$$) FROM order_gateway_stream_server'), 'exchange',
	'the name that it got just before is known');
my ($last) = sort { $b <=> $a } map { $_->{serialId} } @{ $sandbox->stream_fills };
is($streams->sql("SELECT server FROM desk.named WHERE serial_id = '$last'"), 'exchange', '... what came just then has it');

done_testing();
