# Code of a user's table that does not end when it is cancelled: its row is given up,
# others are written, and in the end the table is.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;

$streams->add_trader(q{
	CREATE TABLE desk.fills (serial_id text, filled_price numeric, filled_size numeric);
	CREATE TABLE desk.slow (s numeric)});

my $log = $streams->follow('fills');
my $id = $streams->follow('fills', role => 'trader', into => 'desk.fills');
my $PID = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'};

sub trigger
{
	my ($body, %options) = @_;
	my $language = $options{language} // 'plpgsql';
	my $role = $language eq 'plpgsql' ? 'SET ROLE trader;' : '';

	return $streams->sql(qq{$role
		DROP FUNCTION IF EXISTS desk.wait() CASCADE;
		CREATE FUNCTION desk.wait() RETURNS trigger LANGUAGE $language AS \$\$ $body \$\$;
		CREATE TRIGGER wait BEFORE INSERT ON desk.fills FOR EACH ROW EXECUTE FUNCTION desk.wait()});
}

sub nothing_lacks
{
	my ($name) = @_;

	return $streams->wait_sql(q{SELECT count(*) FROM btse_fill_log AS l WHERE role <> 'trader'
			AND NOT EXISTS (SELECT FROM desk.fills AS f WHERE f.serial_id = l.serial_id)
			AND NOT EXISTS (SELECT FROM btse_stream_event AS e WHERE e.event = 'refused_row'
				AND e.raw ->> 'serialId' = l.serial_id)}, '0', $name);
}

# All but the second of these is written; of that an event tells.
sub given_up_ok
{
	my ($name) = @_;
	my $slow = sprintf '0.%06d', $streams->{made} + 2;

	$streams->sql("DELETE FROM desk.slow; INSERT INTO desk.slow VALUES ($slow)");
	$streams->fill(4);
	$streams->fills_ok("$name: the log");
	nothing_lacks("$name: all but its row are written");
	$streams->wait_sql(qq{SELECT count(*) FROM btse_stream_event AS e JOIN btse_fill_log AS l
		ON l.serial_id = e.raw ->> 'serialId' WHERE e.event = 'refused_row' AND l.filled_size = $slow}, '1',
		"$name: an event tells of that");
	$streams->state_ok($id, 'live', "$name: the stream is live");
	return;
}

my $pid = $streams->sql($PID);

trigger(q{
BEGIN
	IF NEW.filled_size IN (SELECT s FROM desk.slow) THEN
		BEGIN
			PERFORM pg_catalog.pg_sleep(3600);
		EXCEPTION WHEN query_canceled THEN
			PERFORM pg_catalog.pg_sleep(3600);
		END;
	END IF;
	RETURN NEW;
END});
given_up_ok('a trigger that catches the cancel once');

trigger(q{
BEGIN
	WHILE NEW.filled_size IN (SELECT s FROM desk.slow) LOOP
		BEGIN
			PERFORM pg_catalog.pg_sleep(3600);
		EXCEPTION WHEN query_canceled OR OTHERS THEN
			NULL;
		END;
	END LOOP;
	RETURN NEW;
END});
given_up_ok('a trigger that catches each cancel');
is($streams->sql($PID), $pid, 'the worker lives');

# ---------- what nothing but the end of the process ends ----------

SKIP:
{
	skip 'there is no PL/Python', 1
	  if $streams->sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'plpython3u'}) eq '0';
	$streams->sql('CREATE EXTENSION plpython3u');
	trigger(q{
while True:
	try:
		plpy.execute('SELECT pg_catalog.pg_sleep(3600)')
	except BaseException:
		pass
}, language => 'plpython3u');
	$streams->sql(q{GRANT EXECUTE ON FUNCTION desk.wait() TO trader});
	$streams->fill(2);
	$streams->state_ok($id, 'refused', 'a trigger that never ends: its table is refused', 120);
	like($streams->sql("SELECT last_error FROM order_gateway_streams WHERE stream_id = $id"),
		qr/^what table "fills" runs goes on when it is cancelled/, '... for this reason');
	isnt($streams->sql($PID), $pid, '... by another worker');
	$streams->state_ok($log, 'live', '... whose other streams are live');
	$streams->fill(3);
	$streams->fills_ok('... and complete');
	$pid = $streams->sql($PID);
	$streams->sql('DROP TRIGGER wait ON desk.fills');
	$streams->state_ok($id, 'live', 'a table that is another one is tried again');
	nothing_lacks('... and what was missed is there');
	is($streams->sql($PID), $pid, '... by the same worker');
}

done_testing();
