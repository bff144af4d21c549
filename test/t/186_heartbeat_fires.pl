# Heartbeats: for each way in which a database can stop being able to commit, the
# provider's timer runs out, and cancels all orders of the account; and it is seen
# coming.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Disk;
use OrderGateway::Heartbeat;
use OrderGateway::Journal;
use OrderGateway::Test;

# Short, so that a test does not wait for long until it has run out; that it does
# not before is another test.
my $TIMEOUT = '5 s';

my $disk = OrderGateway::Disk->new;
my $test = OrderGateway::Test->start(OrderGateway::Journal::worker(),
	standby => 1,
	env => $disk->env);
my $node = $test->node;
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($node);
my $hearts = OrderGateway::Heartbeat->new($test, $journal);

sub armed
{
	my ($name, $timeout) = @_;

	$hearts->add($name);
	$hearts->start($name, $timeout // $TIMEOUT);
	return $hearts->wait_for($name, 'armed', "$name is armed");
}

# What stopped it is over, and it is armed anew; then it is stopped.
sub mended
{
	my ($name) = @_;

	$hearts->wait_for($name, 'armed', '... and when that is over, it is armed anew');
	return end($name);
}

sub end
{
	my ($name) = @_;

	$hearts->stop($name);
	return $journal->wait_until(
		"SELECT count(*) = 0 FROM order_gateway_heartbeats WHERE server = '$name'", '... and stopped');
}

sub set
{
	my ($setting, $value) = @_;

	$journal->sql("ALTER SYSTEM SET $setting = $value");
	$journal->sql('SELECT pg_reload_conf()');
	return;
}

# It was told before it happened, and after it had.
sub told_ok
{
	my ($name, $why, $start) = @_;
	my $subject = qr/role "\w+" at server "$name"/;

	$node->wait_for_log(qr/the timer of the heartbeat of $subject has run out: $why/, $start);
	return like($test->log_from($start),
		qr/WARNING:  order_gateway: the heartbeat of $subject is late: $why.*\n.*DETAIL:  The provider cancels all open orders of the account at 2/,
		'... which was seen coming');
}

$journal->wait_for_worker('there is a worker');

# ----
# The worker, the disk, the tables
# ----

subtest 'SIGSTOP: a worker that stands still' => sub {
	armed('still');
	my $pid = $journal->worker_pid;
	kill 'STOP', $pid;
	$hearts->fires_ok('still', 'the timer fires');
	is($hearts->of('still', q{state || ' ' || (armed_at IS NULL)}), 'fired true', '... which the view shows by itself');
	kill 'CONT', $pid;
	mended('still');
};

subtest 'a disk that is full' => sub {
	my $start = $test->log_end;
	armed('no_room');
	$disk->fill;
	$hearts->fires_ok('no_room', 'the timer fires');
	is($hearts->of('no_room', 'state'), 'fired', '... and the view shows it');
	told_ok('no_room', qr/there is no room for a page in "[^"]+": No space left on device/, $start);
	$disk->free;
	mended('no_room');
};

subtest 'a table that is locked' => sub {
	my $start = $test->log_end;
	armed('locked');
	my $session = $test->session;
	$session->query('BEGIN; LOCK order_gateway_heartbeat_wish');
	$hearts->fires_ok('locked', 'the timer fires');
	$session->query('COMMIT');
	told_ok('locked', qr/the tables of heartbeats are locked/, $start);
	mended('locked');
	$session->quit;
};

# ----
# Read only
# ----

subtest 'a server that is read-only by its configuration' => sub {
	my $start = $test->log_end;
	armed('read_only');
	set('default_transaction_read_only', 'on');
	$hearts->fires_ok('read_only', 'the timer fires');
	told_ok('read_only', qr/default_transaction_read_only is on/, $start);
	$node->append_conf('postgresql.auto.conf', "default_transaction_read_only = off\n");
	$node->reload;
	mended('read_only');
};

subtest 'a database, or a role, that is read-only' => sub {
	armed('by_database', '1 h');
	foreach my $what ('DATABASE postgres', 'ROLE ALL', 'ROLE CURRENT_USER', 'ROLE CURRENT_USER IN DATABASE postgres')
	{
		$journal->sql("ALTER $what SET default_transaction_read_only = on");
		$journal->sql("BEGIN READ WRITE; SELECT btse_heartbeat_start('1 h', 'by_database'); COMMIT");
		$hearts->wait_until('by_database',
			q{outcome = 'not_sent' AND message ~ '^default_transaction_read_only is on'},
			"$what: a beat is not sent");
		$journal->sql("BEGIN READ WRITE; ALTER $what RESET default_transaction_read_only; COMMIT");
		$hearts->wait_until('by_database', q{outcome = 'accepted'}, '... until it is not read-only any more');
	}
	$journal->sql('ALTER DATABASE postgres SET default_transaction_read_only = on');
	$journal->sql('BEGIN READ WRITE; ALTER ROLE CURRENT_USER SET default_transaction_read_only = off; COMMIT');
	$journal->sql("BEGIN READ WRITE; SELECT btse_heartbeat_start('2 h', 'by_database'); COMMIT");
	$hearts->wait_until('by_database', q{timeout = '2 h' AND fires_at - renewed_at = timeout},
		'what is said of the role goes before what is said of the database');
	$journal->sql('ALTER DATABASE postgres RESET default_transaction_read_only');
	$journal->sql('ALTER ROLE CURRENT_USER SET default_transaction_read_only = on');
	$journal->sql("BEGIN READ WRITE; SELECT btse_heartbeat_stop('by_database'); COMMIT");
	$journal->wait_until(q{SELECT count(*) = 0 FROM order_gateway_heartbeats WHERE server = 'by_database'},
		'who is read-only has it stopped, though');
	$journal->sql('BEGIN READ WRITE; ALTER ROLE CURRENT_USER RESET default_transaction_read_only; COMMIT');
};

# ----
# The provider
# ----

subtest 'a pause that the provider orders, longer than two thirds' => sub {
	my $start = $test->log_end;
	armed('paused');
	$sandbox->arm('retry_after', provider => 'btse', operation => 'cancel', seconds => 60, times => 1);
	$journal->sql(q{SELECT btse_cancel_submit('BTC-USD', ARRAY['x'], server => 'paused')});
	$hearts->wait_until('paused', q{message ~ 'the provider asked for a pause until'}, 'the view tells of it');
	$hearts->wait_for('paused', 'late', '... and that it is late');
	$hearts->fires_ok('paused', 'the timer fires');
	told_ok('paused', qr/call_timeout ran out before it could be sent: the provider asked for a pause until .*/, $start);
	$hearts->stop('paused');
	is($hearts->of('paused', 'state'), 'stopping', 'it is not stopped before the pause is over');
};

# ----
# What the role may
# ----

sub role_with_heartbeat
{
	my ($name, $for) = @_;

	$hearts->add($name);
	$journal->sql("CREATE ROLE $name; GRANT USAGE ON FOREIGN SERVER $name TO $name;"
		  . " ALTER USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS (SET api_key 'other');"
		  . ' GRANT EXECUTE ON FUNCTION btse_heartbeat_start, btse_heartbeat_stop TO ' . $name . ';'
		  . $sandbox->mapping_sql('btse', name => $name, role => $for // $name,
			map { $_ => $sandbox->credentials('btse')->{$_} . "-$name" } qw(api_key secret_key)));
	$journal->sql("SET ROLE $name; SELECT btse_heartbeat_start('$TIMEOUT', '$name')");
	return $hearts->wait_for($name, 'armed', 'it is armed');
}

sub lost_ok
{
	my ($name, $why, $start) = @_;

	$hearts->wait_for($name, 'lost', 'then it is lost');
	like($hearts->of($name, 'message'), $why, '... and the view says why');
	like($test->log_from($start),
		qr/WARNING:  order_gateway: the heartbeat of role "\w+" at server "$name" is lost: $why.*\n.*DETAIL:  It has no further beats: the provider cancels all open orders/,
		'... and the log');
	my $beats = $hearts->of($name, 'beats');
	$hearts->fires_ok($name, 'the timer fires');
	is($hearts->of($name, 'beats'), $beats, '... and there was no further beat');
	return;
}

my %lost = (
	execute => [ 'REVOKE EXECUTE ON FUNCTION btse_heartbeat_start FROM execute', qr/permission denied for function btse_heartbeat_start/ ],
	usage => [ 'REVOKE USAGE ON FOREIGN SERVER usage FROM usage', qr/permission denied for foreign server usage/ ],
	keys => [ q{ALTER USER MAPPING FOR keys SERVER keys OPTIONS (SET secret_key 'wrong')}, qr/UNAUTHORIZED: signature/ ],
);

subtest "a role that has lost what it needs: $_" => sub {
	my ($name) = $_;
	my ($statement, $why) = @{ $lost{$name} };
	my $start = $test->log_end;

	role_with_heartbeat($name);
	$journal->sql($statement);
	lost_ok($name, $why, $start);
	is($journal->sql("SELECT count(*) FROM order_gateway_heartbeats WHERE server = '$name' AND armed_at IS NULL"),
		1, '... which the view shows');
	$journal->sql("DROP SERVER $name CASCADE");
	$journal->wait_until("SELECT count(*) = 0 FROM order_gateway_heartbeats WHERE role = '$name'",
		'its server can be dropped, and it goes with that');
} foreach sort keys %lost;

subtest 'a role that is dropped' => sub {
	my $start = $test->log_end;

	role_with_heartbeat('dropped', 'PUBLIC');
	$journal->sql('DROP OWNED BY dropped; DROP ROLE dropped');
	lost_ok('dropped', qr/role "dropped" does not exist any more/, $start);
};

subtest 'a right that comes back' => sub {
	role_with_heartbeat('back');
	$journal->sql('REVOKE USAGE ON FOREIGN SERVER back FROM back');
	$hearts->wait_for('back', 'lost', 'without it, it is lost');
	$journal->sql('GRANT USAGE ON FOREIGN SERVER back TO back');
	$journal->sql("SET ROLE back; SELECT btse_heartbeat_start('$TIMEOUT', 'back')");
	$hearts->wait_for('back', 'armed', 'when it has come back, it can be started again');
	$journal->sql(q{SET ROLE back; SELECT btse_heartbeat_stop('back')});
	$journal->wait_until(q{SELECT count(*) = 0 FROM order_gateway_heartbeats WHERE server = 'back'}, '... and stopped');
};

# ----
# The server
# ----

subtest 'a server that is stopped, and started again' => sub {
	armed('stopped');
	$node->stop('fast');
	$hearts->fires_ok('stopped', 'the timer fires');
	$node->start;
	$journal->wait_for_worker('when it is started');
	mended('stopped');
};

$sandbox->stop;
$node->stop;
done_testing();
