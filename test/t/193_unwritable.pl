# A call of which something cannot be written waits until that can be, and keeps
# no other back: neither one that is submitted, nor one that is called at once.
# Where nothing at all can be written, nothing goes on being sent.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test;

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	options => { rate_limit => 'off', settle_after => '0' });
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($test->node);

sub arrivals
{
	my ($from, $to) = @_;

	return scalar grep { grep { $_ >= $from && $_ <= $to } @{ $_->{ids} // [] } }
	  @{ $sandbox->requests(provider => 'xt') };
}

sub submit
{
	my (@ids) = @_;

	return $journal->sql("SELECT batch_cancel_submit('btc_usdt', '{" . join(',', @ids) . "}')");
}

sub outcome
{
	my ($call) = @_;

	return $journal->sql("SELECT string_agg(order_id || ':' || outcome, ' ' ORDER BY ordinal)"
		  . " FROM order_gateway_wait($call, '30s')");
}

# A row of which this is 0 cannot be put into the table: its index divides by it.
sub refuse
{
	my ($table, $zero) = @_;

	return $journal->sql("CREATE INDEX refuse ON $table ((1 / ($zero)))");
}

sub last_error
{
	return $journal->sql('SELECT last_error FROM order_gateway_workers');
}

my %POISON = (
	order_gateway_journal_result => sub {
		refuse('order_gateway_journal_result', "order_id::numeric - $_[0]");
		return submit($_[0]);
	},
	order_gateway_journal_mark => sub { return refused_later('order_gateway_journal_mark', @_) },
	order_gateway_journal_end => sub { return refused_later('order_gateway_journal_end', @_) },
);

# Both are there at once.
sub refused_later
{
	my ($table, $id) = @_;

	return $journal->sql(<<"");
DO \$\$ BEGIN
	EXECUTE format('CREATE INDEX refuse ON $table ((1 / (call_id - %s)))', batch_cancel_submit('btc_usdt', '{$id}'));
END \$\$;
SELECT max(call_id) FROM order_gateway_calls

}

my $next = 200;

$test->seed('xt', 200 .. 299);

foreach my $table (sort keys %POISON)
{
	my $id = $next++;
	my $poison = $POISON{$table}->($id);

	$test->wait_until(sub { last_error() =~ /division by zero/ }, "$table: a row cannot be written");
	foreach (1 .. 5)
	{
		my ($other, $called) = ($next++, $next++);

		is(outcome(submit($other)), "$other:cancelled", '... another call is made');
		is($journal->sql("SELECT outcome FROM batch_cancel('btc_usdt', '{$called}')"),
			'cancelled', '... and one that is called');
	}
	$journal->sql('DROP INDEX refuse');
	is(outcome($poison), "$id:cancelled", '... and it ends when that is over');
}

# The next worker has the same trouble.
my $lost = $next++;

refuse('order_gateway_journal_result', "order_id::numeric - $lost");
my $poison = submit($lost);

$test->wait_until(sub { arrivals($lost, $lost) == 1 && last_error() =~ /division by zero/ },
	'an answer cannot be written');
my $pid = $journal->worker_pid;

kill 'TERM', $pid;
$journal->wait_for_worker('... and its worker ends', $pid);
foreach (1 .. 3)
{
	my $other = $next++;

	is(outcome(submit($other)), "$other:cancelled", '... the next one makes other calls');
}
like(last_error(), qr/division by zero/, '... and tells of it');
$journal->sql('DROP INDEX refuse');
is(outcome($poison), "$lost:unknown", '... until that is over');
is(arrivals($lost, $lost), 1, '... and does not send it again');

# If that is so for all, a few calls have been tried, and the others wait.
refuse('order_gateway_journal_result', 'CASE WHEN order_id::numeric >= 300 THEN 0 ELSE 1 END');
$test->seed('xt', 300 .. 339);

my @calls = map { submit($_) } 300 .. 339;

$test->wait_until(sub { arrivals(300, 339) == 16 }, 'of calls whose results cannot be written some are sent');
sleep(3);
is(arrivals(300, 339), 16, '... and no more');
is($journal->sql("SELECT count(*) FROM order_gateway_calls WHERE state = 'queued'"), 24, '... which their states tell');
$journal->sql('DROP INDEX refuse');
is(join(' ', map { outcome($_) } @calls), join(' ', map { "$_:cancelled" } 300 .. 339),
	'... until that is over');
is(arrivals(300, 339), 40, '... and each is sent once');

done_testing();
