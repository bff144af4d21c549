# A dump and its restore: the extension comes back by CREATE EXTENSION with the
# privileges that its script gives, servers and mappings with their options,
# and what was granted since. Default privileges are in the way on both sides.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');

$node->init;
$node->start;
my $dump = $node->basedir . '/dump.sql';

# Who may what, besides the owner, of all that the extension consists of.
sub rights
{
	my ($database) = @_;

	return [ split /\n/, $node->safe_psql($database, q{
		SELECT pg_describe_object(d.classid, d.objid, 0), a.grantee::regrole, a.privilege_type, a.is_grantable
		FROM pg_depend AS d
		JOIN (SELECT tableoid, oid, proowner AS owner, coalesce(proacl, acldefault('f', proowner)) AS acl FROM pg_proc
			UNION ALL SELECT tableoid, oid, relowner, relacl FROM pg_class
			UNION ALL SELECT tableoid, oid, typowner, coalesce(typacl, acldefault('T', typowner)) FROM pg_type
			UNION ALL SELECT tableoid, oid, fdwowner, fdwacl FROM pg_foreign_data_wrapper) AS o
			ON o.tableoid = d.classid AND o.oid = d.objid
		CROSS JOIN LATERAL aclexplode(o.acl) AS a
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND a.grantee <> o.owner
			AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'order_gateway')
		ORDER BY 1, 2, 3}) ];
}

# The GRANT and REVOKE statements of the dump.
sub grants
{
	return [ slurp_file($dump) =~ /^((?:GRANT|REVOKE) .*)$/mg ];
}

sub options
{
	my ($database) = @_;

	return [ split /\n/, $node->safe_psql($database,
			# a dump has options in the order of their names
			q{SELECT srvname, ARRAY(SELECT unnest(srvoptions) ORDER BY 1),
				ARRAY(SELECT unnest(umoptions) ORDER BY 1)
			FROM pg_foreign_server
			JOIN pg_user_mapping ON umserver = pg_foreign_server.oid ORDER BY 1}) ];
}

$node->safe_psql('postgres', 'CREATE ROLE anon; CREATE ROLE clerk');
foreach my $database (qw(plain erp restored))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	next if $database eq 'plain';
	$node->safe_psql($database,
		join '', map { "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO anon;" }
		  qw(TABLES FUNCTIONS TYPES SEQUENCES));
}
$node->safe_psql($_, 'CREATE EXTENSION order_gateway') foreach qw(plain erp);
is_deeply(rights('erp'), rights('plain'), 'default privileges change nothing');

$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('erp') ], 'a dump');
is_deeply([ grep { !/^GRANT .* DEFAULT|ALTER DEFAULT/ } @{ grants() } ], [],
	'... grants nothing, since the script does');

$node->safe_psql('erp', q{
	CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw OPTIONS (rate_limit '5/1s per key', call_timeout '2min');
	CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (allow_http 'true', base_url 'http://localhost:1');
	CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'a', secret_key 's ''\\ s');
	CREATE USER MAPPING FOR PUBLIC SERVER wangdian OPTIONS (sid 's', app_key 'k', app_secret 's:s');
	GRANT EXECUTE ON FUNCTION batch_cancel TO clerk;
	REVOKE EXECUTE ON FUNCTION btse_codes FROM PUBLIC;
	CREATE TABLE log (outcome order_outcome);
	INSERT INTO log VALUES ('unknown');
});
$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('erp') ], 'a dump of more');
is_deeply(
	[ grep { /FUNCTION/ } @{ grants() } ],
	[
		'GRANT ALL ON FUNCTION public.batch_cancel(market text, ids anycompatiblearray, server name, '
		  . 'OUT order_id anycompatible, OUT outcome public.order_outcome, OUT code text, OUT message text, '
		  . 'OUT ordinal integer, OUT batch integer, OUT attempts integer, OUT http_status integer, '
		  . 'OUT sent_at timestamp with time zone, OUT answered_at timestamp with time zone, OUT response json) TO clerk;',
		'REVOKE ALL ON FUNCTION public.btse_codes() FROM PUBLIC;'
	],
	'... has what was granted and revoked since');
$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ],
	'it can be restored');
is_deeply(rights('restored'), rights('erp'), '... with the same privileges');
is_deeply(options('restored'), options('erp'), '... servers and mappings');
is($node->safe_psql('restored', 'SELECT outcome FROM log'), 'unknown', '... and outcomes');

# Nothing of the extension keeps such a role alive.
$node->safe_psql('postgres', 'DROP DATABASE restored');
$node->safe_psql('erp', join '', 'DROP TABLE log;',
	map { "ALTER DEFAULT PRIVILEGES REVOKE ALL ON $_ FROM anon;" } qw(TABLES FUNCTIONS TYPES SEQUENCES));
is($node->psql('erp', 'DROP ROLE anon'), 0, 'a role that default privileges named can go');

done_testing();
