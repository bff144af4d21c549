# Whatever frames, acknowledgements and fields look like: afterwards the book is the
# provider's, each fill is there once, and the worker is the same.  And no fault of
# streams that the sandbox knows is without a test.

use strict;
use warnings;
use utf8;

use Cwd qw(realpath);
use File::Basename qw(basename dirname);
use Test::More;

use OrderGateway::Books;

my $books = OrderGateway::Books->start;
my $sandbox = $books->sandbox;
my $book = $books->follow('book', symbol => 'BTC-USD');
my $fills = $books->follow('fills');

sub worker_pid
{
	return $books->sql(
		q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'});
}

my $pid = worker_pid();

# The fault meets what comes at once, and what comes when all is connected anew.
sub goes_on_after
{
	my ($fault, %args) = @_;

	$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
	$sandbox->arm($fault, times => 2, %args);
	$books->fill(3);
	$sandbox->close_streams(how => 'drop');
	$books->fill(2);
	ok($sandbox->wait_for(fault => $fault, count => 1), "$fault: it was met");
	$sandbox->disarm;
	$sandbox->stop_trading;
	$books->state_ok($_, 'live', '... and afterwards all is live') foreach $book, $fills;
	$books->wait_current('BTC-USD', 0, '... with the provider\'s book');
	$books->fills_ok('... and each fill is there once');
	return;
}

goes_on_after(@$_)
  foreach ([ 'stream_fragments', bytes => 7 ], ['stream_slow'], ['stream_snapshot_first'],
	['stream_strange_ack'], ['stream_upgrade'], [ 'stream_pings', pings => 20000 ], ['stream_frame'],
	['stream_never_reads'], [ 'stream_late', ms => 300 ],
	[ 'stream_fields', values => { price => 'much' } ]);
is(worker_pid(), $pid, 'the worker is the same');

my $tests = dirname(realpath($0));
my %armed;
foreach my $file (glob "$tests/20*_stream*.pl")
{
	open my $in, '<', $file or die "$file: $!";
	$armed{$_} = 1 foreach do { local $/; <$in> } =~ /\b(stream_[a-z_0-9]+)\b/g;
}
is(join(' ', grep { /^stream_/ && !$armed{$_} } sort keys %{ $sandbox->known_faults }), '',
	'every fault of streams has a test');

done_testing();
