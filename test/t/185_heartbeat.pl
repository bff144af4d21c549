# Heartbeats: started and stopped as transactions are, kept while all is well,
# whatever else goes on, and not taken away unawares.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Documents;
use OrderGateway::Heartbeat;
use OrderGateway::Journal;
use OrderGateway::Test;

my $test = OrderGateway::Test->start(OrderGateway::Journal::worker(max_prepared_transactions => 5),
	options => { rate_limit => 'off' });
my $node = $test->node;
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($node);
my $hearts = OrderGateway::Heartbeat->new($test, $journal);
my $session = $test->session;

# The sandbox's timer of an account: whether it runs.
sub runs
{
	my ($name) = @_;

	return scalar(() = $hearts->done($name, 'timer_set')) > 0
	  && !$hearts->done($name, 'timer_stopped');
}

sub refused
{
	my ($sql, $like, $name) = @_;
	my $result = $session->query($sql);

	is($result->{sqlstate} // 'none', '55006', "$name is refused");
	like($result->{stderr}, $like, '... and it is said why');
	return;
}

$journal->wait_for_worker('there is a worker');

# ----
# As the chapter has it
# ----

subtest 'what the chapter says' => sub {
	my $documents = OrderGateway::Documents->new;
	my ($grant, $start, $see, $stop) = map { $documents->recipe($_) }
	  qw(heartbeat-grant heartbeat-start heartbeat-see heartbeat-stop);
	$journal->sql('CREATE ROLE trader; GRANT USAGE ON FOREIGN SERVER btse TO trader;'
		  . $sandbox->mapping_sql('btse', role => 'trader'));
	isnt($session->error("BEGIN; SET ROLE trader; $start"), 'none', 'at first nobody may');
	$session->query('ROLLBACK');
	$journal->sql($_) foreach $grant, "SET ROLE trader; $start";
	$journal->wait_until(q{SELECT state = 'armed' FROM order_gateway_heartbeats}, 'who may has one');
	like($journal->sql("SET ROLE trader; $see"),
		qr/^btse\|trader\|armed\|00:01:00\|[^|]+\|[^|]+\|accepted\|$/, '... and sees it');
	is($journal->sql("CREATE ROLE other; SET ROLE other; $see"), '', '... and another does not');
	$journal->sql("SET ROLE trader; $stop");
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', '... and can stop it');
};

# ----
# Starting and stopping
# ----

subtest 'it begins with COMMIT, and is stopped with COMMIT' => sub {
	$hearts->add('life');
	$session->query(q{BEGIN; SELECT btse_heartbeat_start('1 h', 'life'); ROLLBACK});
	$session->query('BEGIN');
	$session->query(q{SELECT btse_heartbeat_start('1 min', 'life')});
	is($hearts->of('life', 'count(*)'), 0, 'before that nobody sees it');
	is($session->value(q{SELECT state || ' ' || timeout FROM order_gateway_heartbeats}),
		'starting 00:01:00', '... but who starts it');
	$session->query('COMMIT');
	$hearts->wait_for('life', 'armed', 'then it is armed');
	is_deeply([ map { $_->{timeout} } $hearts->done('life', 'timer_set') ],
		[60000], '... with its timeout, once; what was rolled back never was');
	is($hearts->of('life', q{beats || ' ' || outcome || ' ' || (fires_at - renewed_at = timeout)
		|| ' ' || (armed_at = renewed_at) || ' ' || (message IS NULL)}),
		'1 accepted true true true', '... and the view tells all of it');
	$session->query(q{SELECT btse_heartbeat_start('2 min', 'life')});
	$hearts->wait_until('life', 'beats = 2 AND outcome IS NOT NULL', 'a second start is a beat at once');
	$journal->wait_until(q{SELECT fires_at - renewed_at = '2 min' FROM order_gateway_heartbeats},
		'... with the new timeout');
	is(($hearts->done('life', 'timer_set'))[-1]{timeout}, 120000, '... at the provider, too');
	$session->query(q{BEGIN; SELECT btse_heartbeat_stop('life'); ROLLBACK});
	$session->query(q{BEGIN; SELECT btse_heartbeat_stop('life'); PREPARE TRANSACTION 'stop'});
	is($hearts->of('life', 'state'), 'armed', 'a stop that is not committed is none');
	$session->query(q{COMMIT PREPARED 'stop'});
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', 'one that is ends it');
	is(scalar(() = $hearts->done('life', 'timer_stopped')), 1, '... by a timeout of zero');
	$hearts->lives_ok('life', 'it never fired');
	is($session->value('SELECT count(*) FROM order_gateway_heartbeat_wish'), 0, 'no row is left');
	is($session->error(q{SELECT btse_heartbeat_stop('life')}), '42704', 'there is nothing to stop then');
	$session->query(q{BEGIN; SELECT btse_heartbeat_start('1 h', 'life');
		SELECT btse_heartbeat_stop('life'); COMMIT});
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeat_wish',
		'one that is stopped before it began ends');
	is(scalar(() = $hearts->done('life', 'timer_stopped')), 1, '... without a request');
};

subtest 'a stop is repeated until it is accepted' => sub {
	$hearts->add('stop');
	$hearts->start('stop', '1 min');
	$hearts->wait_for('stop', 'armed', 'it is armed');
	$sandbox->arm('status', operation => 'cancel_all_after', status => 503, times => 3, process => 0);
	$hearts->stop('stop');
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', 'it ends');
	is($sandbox->fired('status'), 3, '... though it was refused for a while');
	$hearts->lives_ok('stop', 'it never fired');
};

subtest 'a worker that comes anew goes on' => sub {
	$hearts->add('anew');
	$hearts->start('anew', '1 min');
	$hearts->wait_for('anew', 'armed', 'it is armed');
	my $beats = $hearts->of('anew', 'beats');
	my $armed = $hearts->of('anew', 'armed_at');
	$journal->crash;
	$hearts->wait_until('anew', "beats > $beats AND outcome = 'accepted'", 'after a crash it beats at once');
	is($hearts->of('anew', 'armed_at'), $armed, '... and was armed all the time');
	$beats = $hearts->of('anew', 'beats');
	$node->restart;
	$journal->wait_for_worker('the server was restarted');
	$session = $test->session;
	$hearts->wait_until('anew', "beats > $beats AND outcome = 'accepted'", 'after a restart, too');
	$hearts->lives_ok('anew', 'it never fired');
	$hearts->stop('anew');
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', 'it ends');
};

# A crash is what happens to a beat that gets no answer here.
subtest 'a beat that crashes the server three times is given up' => sub {
	$hearts->add('poison');
	$sandbox->arm('black_hole', operation => 'cancel_all_after', times => 0);
	$hearts->start('poison', '1 h');
	foreach my $crash (1 .. 3)
	{
		ok($sandbox->wait_for(fault => 'black_hole', count => $crash, seconds => 60), 'a beat is out');
		$journal->crash;
	}
	$session = $test->session;
	$hearts->wait_for('poison', 'lost', 'then there is no further one');
	is($hearts->of('poison', 'message'), 'the server crashed each time that a beat was made', '... and it is said why');
	$sandbox->disarm;
	$hearts->stop('poison');
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', 'it can be stopped, still');
};

# ----
# All is well
# ----

# Of twenty seconds; many calls wait for a turn of the same lane meanwhile, half a
# second each, and short refusals and slow answers come.
subtest 'it does not fire under load, by short refusals and slow answers' => sub {
	$hearts->add('load', rate_limit => '2/1s');
	$sandbox->settings(accept_any_id => 'on', pace => 'off');
	$hearts->start('load', '20 s');
	$hearts->wait_for('load', 'armed', 'it is armed');
	$journal->sql(q{SELECT count(btse_cancel_submit('BTC-USD', ARRAY['x' || n], server => 'load'))
		FROM generate_series(1, 200) AS n});
	my $begun = $hearts->of('load', 'armed_at');
	$sandbox->arm('retry_after', provider => 'btse', operation => 'cancel_all_after', seconds => 1, times => 2);
	$sandbox->arm('delay', provider => 'btse', operation => 'cancel_all_after', ms => 1500, skip => 2, times => 1);
	$sandbox->settings(latency_ms => 200);
	$hearts->wait_until('load', "renewed_at > '$begun'::timestamptz + interval '25 s'",
		'it is renewed for longer than its timeout');
	ok($journal->sql(q{SELECT count(*) > 0 FROM order_gateway_calls WHERE server = 'load' AND state = 'queued'}) eq 't',
		'... while calls wait for their turns');
	is($hearts->of('load', 'state'), 'armed', '... and is in time');
	is($hearts->of('load', 'armed_at'), $begun, '... without a break');
	is($hearts->fired('load'), 0, '... so its timer never ran out');
	unlike($test->log_from(0), qr/heartbeat of role .* at server "load" is late/, '... nor nearly so');
	$journal->sql(q{SELECT order_gateway_withdraw(call_id) FROM order_gateway_calls WHERE state <> 'done'});
	$sandbox->settings(latency_ms => 0, accept_any_id => 'off', pace => 'on');
	$hearts->stop('load');
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', 'it ends');
};

# ----
# What it needs
# ----

subtest 'what a live heartbeat needs is not taken away' => sub {
	$hearts->add('kept');
	$journal->sql('CREATE DATABASE other');
	$hearts->start('kept', '1 h');
	$hearts->wait_for('kept', 'armed', 'it is armed');
	refused('DROP SERVER kept CASCADE', qr/cannot drop .*server "kept" because .* live heartbeat/, 'DROP SERVER');
	refused('DROP USER MAPPING FOR CURRENT_USER SERVER kept', qr/because of a live heartbeat/, 'DROP USER MAPPING');
	refused('DROP EXTENSION order_gateway CASCADE', qr/because it has a live heartbeat/, 'DROP EXTENSION');
	my $elsewhere = $test->session(database => 'other');
	foreach my $statement ('DROP DATABASE postgres WITH (FORCE)', 'ALTER DATABASE postgres RENAME TO new')
	{
		my $result = $elsewhere->query($statement);
		is($result->{sqlstate} // 'none', '55006', "$statement is refused");
		like($result->{stderr}, qr/database "postgres" because it has a live heartbeat/, '... for it');
	}
	is($session->error(q{ALTER SYSTEM SET order_gateway.databases = 'other'}), '55006',
		'ALTER SYSTEM is refused that takes its database out');
	my $start = $test->log_end;
	$node->append_conf('postgresql.conf', q{order_gateway.databases = 'other'});
	$node->reload;
	$node->wait_for_log(qr/cannot take database "postgres" out of order_gateway\.databases/, $start);
	ok(1, 'so is a reload, with a line in the log');
	$journal->wait_until(q{SELECT pid IS NOT NULL FROM order_gateway_workers WHERE database = 'postgres'},
		'... and its worker stays');
	$hearts->lives_ok('kept', 'nothing of that has stopped it');
	$hearts->stop('kept');
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_heartbeats', 'when it has ended');
	is($session->error('DROP SERVER kept CASCADE'), 'none', 'its server can be dropped');
	$node->append_conf('postgresql.conf', q{order_gateway.databases = 'postgres'});
	$node->reload;
};

$session->quit;
$sandbox->stop;
$node->stop;
done_testing();
