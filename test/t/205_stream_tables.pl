# What a table must be like that a stream appends to: whatever would change a value,
# or fail where nobody could tell for which row, is refused before anything is
# followed, and again when the table changes.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $node = $streams->node;

# What is answered to whoever wants fills in this table.
sub answer_to
{
	my ($table, %options) = @_;
	my $kind = $options{kind} // 'fills';
	my $symbol = $kind eq 'trades' ? q{'BTC-USD'} : 'NULL';
	my $role = $options{role} ? "SET ROLE $options{role};" : '';

	$node->psql('postgres', "BEGIN; $role SELECT btse_stream_start('$kind', $symbol, into_table => '$table'); ROLLBACK",
		stderr => \my $errors, stdout => \my $answer, on_error_stop => 1,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $errors =~ /ERROR:\s+(.*)/ ? $1 : 'accepted';
}

sub table_is
{
	my ($definition, $expected, $name, %options) = @_;
	my $table = $options{table} // 'target';

	$streams->sql('DROP SCHEMA IF EXISTS tried CASCADE; CREATE SCHEMA tried');
	$streams->sql("SET search_path = tried, public; $definition");
	return like(answer_to("tried.$table", %options), qr/^$expected/, $name);
}

my $TAKES = '42804: column "%s" of table "target" cannot take what a stream appends';
my $REFUSES = 'a stream cannot append to';

sub takes_not { return sprintf $TAKES, @_; }

table_is('CREATE TABLE target (serial_id text, filled_price numeric, filled_size numeric)', 'accepted',
	'a plain table');
table_is('CREATE TABLE target (serial_id text, trade_id varchar, maker boolean, order_type bigint,
	event_time timestamptz(3), raw jsonb, note text DEFAULT \'none\', at timestamptz NOT NULL DEFAULT now())',
	'accepted', 'types that keep what they are given, and columns of its own');
table_is('CREATE TABLE target (serial_id text, id bigint GENERATED ALWAYS AS IDENTITY, filled_size numeric,
	doubled numeric GENERATED ALWAYS AS (filled_size * 2) STORED NOT NULL)', 'accepted',
	'generated and identity columns are left out');
table_is('CREATE DOMAIN amount AS numeric CHECK (VALUE > 0);
	CREATE TABLE target (serial_id text, filled_size amount)', 'accepted', 'a domain');
table_is('CREATE TABLE target (serial_id text, event_time timestamptz) PARTITION BY RANGE (event_time);
	CREATE TABLE today PARTITION OF target DEFAULT', 'accepted', 'a partitioned table');

# values that would be others
table_is('CREATE TABLE target (serial_id text, filled_price float8)', takes_not('filled_price'), 'a float');
table_is('CREATE TABLE target (serial_id text, filled_price real)', takes_not('filled_price'), 'another');
table_is('CREATE TABLE target (serial_id text, filled_price numeric(10,2))', takes_not('filled_price'),
	'numeric(10,2) would make 0.01 of 0.007');
table_is('CREATE DOMAIN amount AS numeric(10,2); CREATE TABLE target (serial_id text, filled_price amount)',
	takes_not('filled_price'), 'and so would a domain over it');
table_is('CREATE TABLE target (serial_id text, filled_size bigint)', takes_not('filled_size'), 'whole numbers');
table_is('CREATE TABLE target (serial_id char(10))', takes_not('serial_id'), 'char(n) pads');
table_is('CREATE TABLE target (serial_id name)', takes_not('serial_id'), 'name cuts');
table_is('CREATE TABLE target (serial_id bigint)', takes_not('serial_id'), 'an id is text');
table_is('CREATE TABLE target (serial_id text, event_time timestamp)', takes_not('event_time'),
	'a time without a zone');
table_is('CREATE TABLE target (serial_id text, event_time timestamptz(0))', takes_not('event_time'),
	'a time without milliseconds');
table_is('CREATE TABLE target (serial_id text, event_time date)', takes_not('event_time'), 'a day');

# columns
table_is('CREATE TABLE target (filled_price numeric)', '42703: table "target" has no column for the id',
	'no id column');
table_is('CREATE TABLE target (serial_id text GENERATED ALWAYS AS (\'x\') STORED)',
	'42703: table "target" has no column for the id', 'one that is generated is none');
table_is('CREATE TABLE target (price numeric)', '42703: table "target" has no column for the id',
	'of trades: trade_id', kind => 'trades');
table_is('CREATE TABLE target (trade_id text, price numeric)', 'accepted', 'it has it', kind => 'trades');
table_is('CREATE TABLE target (status int)', '42703: table "target" has no column for the id',
	'of notifications: order_id', kind => 'notifications');
table_is('CREATE TABLE target (serial_id text, account text NOT NULL)',
	'23502: column "account" of table "target" is NOT NULL', 'NOT NULL without a default');

# what fails at COMMIT, or goes elsewhere
table_is('CREATE TABLE target (serial_id text); CREATE RULE r AS ON INSERT TO target DO INSTEAD NOTHING',
	"0A000: $REFUSES table \"target\"", 'rules');
table_is('CREATE TABLE target (serial_id text UNIQUE DEFERRABLE)', "0A000: $REFUSES table \"target\"",
	'a deferrable constraint');
table_is('CREATE TABLE others (id text PRIMARY KEY);
	CREATE TABLE target (serial_id text REFERENCES others DEFERRABLE INITIALLY DEFERRED)',
	"0A000: $REFUSES table \"target\"", 'a deferrable foreign key');
table_is('CREATE TABLE others (id text PRIMARY KEY); CREATE TABLE target (serial_id text REFERENCES others)',
	'accepted', 'one that is not deferrable');
table_is('CREATE TABLE target (serial_id text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql
	AS $$ BEGIN RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER t AFTER INSERT ON target
	DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()', "0A000: $REFUSES table \"target\"",
	'a deferrable trigger');

# what is no table, or does not last
table_is('CREATE TABLE base (serial_id text); CREATE VIEW target AS SELECT * FROM base',
	"42809: $REFUSES \"target\"", 'a view');
table_is('CREATE TABLE base (serial_id text); CREATE MATERIALIZED VIEW target AS SELECT * FROM base',
	"42809: $REFUSES \"target\"", 'a materialized view');
table_is('CREATE FOREIGN TABLE target (serial_id text) SERVER btse', "42809: $REFUSES \"target\"",
	'a foreign table');
table_is('CREATE SEQUENCE target', "42809: $REFUSES \"target\"", 'a sequence');
table_is('CREATE UNLOGGED TABLE target (serial_id text)', "0A000: $REFUSES table \"target\"",
	'an unlogged table');
like(answer_to('order_gateway_stream_fill'), qr/^0A000: \Q$REFUSES/, 'a table of the extension');
like(answer_to('pg_class'), qr/^0A000: \Q$REFUSES/, 'a table of the system');
$node->psql('postgres', q{CREATE TEMP TABLE target (serial_id text);
	SELECT btse_stream_start('fills', into_table => 'target')}, stderr => \my $errors);
like($errors, qr/\Q$REFUSES\E table "target"/, 'a temporary table');
like(answer_to('pg_stat_activity', kind => 'l1'), qr/^22023: argument "symbol"|^22004|^22023/,
	'and only of what is appended');

# rights
$streams->sql(q{CREATE ROLE trader; CREATE ROLE other;
	GRANT USAGE ON FOREIGN SERVER btse TO trader;
	GRANT EXECUTE ON FUNCTION btse_stream_start, btse_stream_stop TO trader;
	GRANT CREATE ON DATABASE postgres TO trader});
$streams->sql($streams->sandbox->mapping_sql('btse', role => 'trader'));
table_is('CREATE TABLE target (serial_id text)', '42501: permission denied for schema tried',
	'no right on the schema', role => 'trader');
table_is('GRANT USAGE ON SCHEMA tried TO trader; CREATE TABLE target (serial_id text)',
	'42501: permission denied for table target', 'no right to insert', role => 'trader');
table_is('GRANT USAGE ON SCHEMA tried TO trader; CREATE TABLE target (serial_id text);
	GRANT INSERT ON target TO trader', 'accepted', 'the right', role => 'trader');
table_is('GRANT USAGE ON SCHEMA tried TO trader; CREATE TABLE target (serial_id text, side text, note text);
	GRANT INSERT (serial_id, side) ON target TO trader', 'accepted', 'a right on what is written',
	role => 'trader');
table_is('GRANT USAGE ON SCHEMA tried TO trader; CREATE TABLE target (serial_id text, side text);
	GRANT INSERT (serial_id) ON target TO trader', '42501: permission denied for table target',
	'not on all of it', role => 'trader');
table_is('CREATE TABLE target (serial_id text); ALTER TABLE target OWNER TO other',
	'42501: a superuser\'s stream cannot append to table "target"',
	'a superuser\'s stream goes into superusers\' tables only');
table_is('CREATE TABLE target (serial_id text) PARTITION BY LIST (serial_id);
	CREATE TABLE part PARTITION OF target DEFAULT; ALTER TABLE part OWNER TO other',
	'42501: a superuser\'s stream cannot append to table "target"', 'partitions included');

done_testing();
