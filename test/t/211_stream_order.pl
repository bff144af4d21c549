# Books of a database whose order of texts is not that of their bytes: their rows
# are found there, too.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Books;

# Punctuation counts last: BT-ZUSD comes behind BTC-USD, unlike by its bytes.
my $books = OrderGateway::Books->start(
	initdb => [qw(--encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en-US-u-ka-shifted)]);
my $node = $books->node;
my @markets = qw(BTC-USD BT-ZUSD);

is($books->sql(q{SELECT 'BT-ZUSD' > 'BTC-USD'}), 't', 'texts have an order of their own');
$books->sandbox->put('btse', 'markets', { symbol => 'BT-ZUSD' });
$books->follow('book', symbol => $_) foreach @markets;
$books->wait_current($_, 0, "$_ is shown") foreach @markets;

# Where the rows are is forgotten, so that they are looked for.
my $begins = -s $node->logfile;
$books->sql('VACUUM FULL order_gateway_stream_book');
$books->sandbox->trade(rate => 50, moves => 50, symbols => \@markets);
$books->sandbox->wait_for(topic => 'update:BT-ZUSD_0', sent => 20);
$books->wait_current($_, 0, "$_ is found, and written") foreach @markets;
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile, $begins), qr/order_gateway: /,
	'... without an error');
is($books->sql('SELECT count(*) FROM order_gateway_stream_book'), 2, '... once each');

done_testing();
