package components

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// What stands in the project's own files is what a first `pulumi up` uses.
func TestSettingsOfTheProject(t *testing.T) {
	want := Settings{
		Side:             Compute,
		Region:           "us-east-1",
		ComputeAccountID: "123456789012",
		DataAccountID:    "987654321098",
		RoleName:         "CrossAccountS3Role",
		Access: Access{
			Partition:   "aws",
			BucketName:  "my-cross-account-bucket",
			Permissions: []Permission{Read, Write, Delete, List},
			Conditions:  Conditions{VPCEndpoints: []string{}, DeployRoles: []string{}, MinimumTLSVersion: "1.2"},
		},
		Function: FunctionSettings{
			Name:                "CrossAccountS3Access",
			Architecture:        "arm64",
			MemorySize:          256,
			Timeout:             30,
			ReservedConcurrency: -1,
			LogRetentionDays:    30,
			Tracing:             "PassThrough",
			Oversize:            "presign",
			PresignTTL:          15 * time.Minute,
		},
		VPC:          VPC{SubnetIDs: []string{}, SecurityGroupIDs: []string{}, RouteTableIDs: []string{}},
		ComputeStack: "organization/cross-account-s3/account-a",
		Sharing:      Sharing{Share: []Source{StackReference}, SecretReaders: []string{}, From: StackReference},
		Consumers:    Consumers{AccountID: "987654321098"},
		Monitoring: MonitoringSettings{
			Subscriptions: []string{}, TrailBucketName: "my-cross-account-bucket-trail", TrailRetentionDays: 365, ClientErrors: 10,
		},
		Hardening: Hardening{AccessLogRetentionDays: 365, ObjectLock: LockNone, ObjectLockDays: 30, Protect: true},
		Guard:     Mandatory,
	}
	for stack, side := range map[string]Side{"account-a": Compute, "account-b": Data} {
		t.Run(stack, func(t *testing.T) {
			want.Side = side
			got, err := settingsOf(t, stack, nil)
			if err != nil {
				t.Fatal(err)
			}
			expectEqual(t, "settings", *got, want)
		})
	}
}

func TestSettingsAccepted(t *testing.T) {
	for _, c := range []struct {
		name, key, value string
		got              func(*Settings) any
		want             any
	}{
		{"a folder without its slash", "cross-account-s3:prefix", "data", func(s *Settings) any { return s.Access.Prefix }, "data/"},
		{"a folder in a folder", "cross-account-s3:prefix", "data/year=2026/", func(s *Settings) any { return s.Access.Prefix }, "data/year=2026/"},
		{"a bucket with dots", "cross-account-s3:bucketName", "a.b-3", func(s *Settings) any { return s.Access.BucketName }, "a.b-3"},
		{"a role name with every character", "cross-account-s3:roleName", "a+=,.@_-Z9", func(s *Settings) any { return s.RoleARN() }, "arn:aws:iam::123456789012:role/a+=,.@_-Z9"},
		{"an account id in the guard without quotes", "aws:allowedAccountIds", "[123456789012]", func(s *Settings) any { return s.ComputeAccountID }, "123456789012"},
		{"a role to deploy with", "aws:assumeRole", `{"roleArn":"arn:aws:iam::123456789012:role/ci/Deploy"}`, func(s *Settings) any { return s.Side }, Compute},
		{"another stack", "cross-account-s3:computeStack", "acme/functions/production", func(s *Settings) any { return s.ComputeStack }, "acme/functions/production"},
		{"one permission", "cross-account-s3:permissions", `["list"]`, func(s *Settings) any { return s.Access.Permissions }, []Permission{List}},
		{"a function switched off", "cross-account-s3:reservedConcurrency", "0", func(s *Settings) any { return s.Function.ReservedConcurrency }, 0},
		{"a long presigned URL", "cross-account-s3:presignTtl", "12h", func(s *Settings) any { return s.Function.PresignTTL }, 12 * time.Hour},
		{"a bucket to be emptied", "cross-account-s3:forceDestroy", "true", func(s *Settings) any { return s.ForceDestroy }, true},
		{"a key of one's own", "cross-account-s3:encryption", "sse-kms", func(s *Settings) any { return *s.Access.Key }, BucketKey{
			Region: "us-east-1", AccountID: "987654321098",
		}},
		{"a guard that warns", "cross-account-s3:guard", "advisory", func(s *Settings) any { return s.Guard }, Advisory},
		{"China", "aws:region", "cn-north-1", func(s *Settings) any { return s.LogGroupARN() }, "arn:aws-cn:logs:cn-north-1:123456789012:log-group:/aws/lambda/CrossAccountS3Access"},
		{"GovCloud", "aws:region", "us-gov-west-1", func(s *Settings) any { return s.RoleARN() }, "arn:aws-us-gov:iam::123456789012:role/CrossAccountS3Role"},
		{"a European sovereign region", "aws:region", "eusc-de-east-1", func(s *Settings) any { return s.Access.BucketARN() }, "arn:aws-eusc:s3:::my-cross-account-bucket"},
		{"an isolated region", "aws:region", "us-isob-east-1", func(s *Settings) any { return s.Access.Partition }, "aws-iso-b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings, err := settingsOf(t, "account-a", map[string]string{c.key: c.value})
			if err != nil {
				t.Fatal(err)
			}
			expectEqual(t, c.key, c.got(settings), c.want)
		})
	}
}

func TestSettingsRefused(t *testing.T) {
	const project = "cross-account-s3:"
	for _, c := range []struct {
		name, stack, key, value string
		// want is what the error says besides the key and the value.
		want string
	}{
		{"no side", "account-a", project + "side", "", "compute or data"},
		{"another side", "account-a", project + "side", "both", "compute or data"},
		{"no region", "account-a", "aws:region", "", "a region, as in us-east-1"},
		{"a region that is a zone", "account-a", "aws:region", "us-east-1a", "a region, as in us-east-1"},
		{"an account id with eleven digits", "account-a", project + "computeAccountId", "12345678901", "twelve digits"},
		{"an account id with dashes", "account-b", project + "dataAccountId", "9876-5432-1098", "twelve digits"},
		{"one account for both sides", "account-a", project + "dataAccountId", "123456789012", "an account other than computeAccountId"},
		{"a bucket name that is too short", "account-a", project + "bucketName", "ab", "3 to 63"},
		{"a bucket name that is too long", "account-a", project + "bucketName", strings.Repeat("a", 64), "3 to 63"},
		{"capitals in a bucket name", "account-a", project + "bucketName", "My-Bucket", "lowercase"},
		{"two dots in a bucket name", "account-a", project + "bucketName", "a..b", "single dots"},
		{"an address as a bucket name", "account-a", project + "bucketName", "192.168.5.4", "not an IP address"},
		{"a bucket name ending in a hyphen", "account-a", project + "bucketName", "bucket-", "ending with a letter or digit"},
		{"an ARN as a bucket name", "account-a", project + "bucketName", "arn:aws:s3:::bucket", "a bucket name"},
		{"the name of an alias", "account-a", project + "bucketName", "bucket-s3alias", "keeps for itself"},
		{"a reserved beginning", "account-a", project + "bucketName", "xn--bucket", "keeps for itself"},
		{"a role ARN as a role name", "account-a", project + "roleName", "arn:aws:iam::123456789012:role/R", "a role name"},
		{"a role name with a wildcard", "account-a", project + "roleName", "R*", "a role name"},
		{"a role name that is too long", "account-a", project + "roleName", strings.Repeat("R", 65), "1 to 64"},
		{"a function name with a dot", "account-a", project + "functionName", "f.g", "a function name"},
		{"no permissions", "account-a", project + "permissions", "[]", "at least one of read, write, delete and list"},
		{"permissions that are no list", "account-a", project + "permissions", "read", "at least one of read, write, delete and list"},
		{"an unknown permission", "account-a", project + "permissions", `["read","admin"]`, `permissions[1] is "admin", and has to be read, write, delete or list`},
		{"a permission twice", "account-a", project + "permissions", `["read","list","read"]`, `permissions[2] is "read", and has to be named only once`},
		{"a prefix with a slash in front", "account-a", project + "prefix", "/data", "none in front"},
		{"a prefix of a slash", "account-a", project + "prefix", "/", "none in front"},
		{"a prefix with two slashes", "account-a", project + "prefix", "data//in", "single slashes"},
		{"a prefix with a wildcard", "account-a", project + "prefix", "data/*", "wildcards are not allowed"},
		{"a prefix with a variable", "account-a", project + "prefix", "${aws:userid}", "a folder"},
		{"a prefix that goes up", "account-a", project + "prefix", "data/../", "a folder"},
		{"a prefix that is too long", "account-a", project + "prefix", strings.Repeat("a", 512), "up to 512"},
		{"an unknown architecture", "account-a", project + "architecture", "amd64", "arm64 or x86_64"},
		{"too little memory", "account-a", project + "memorySize", "64", "MiB, from 128 to 10240"},
		{"memory with a unit", "account-a", project + "memorySize", "256MB", "a whole number"},
		{"a timeout Lambda does not have", "account-a", project + "timeout", "901", "seconds, from 1 to 900"},
		{"a negative concurrency", "account-a", project + "reservedConcurrency", "-2", "-1 is no limit"},
		{"a retention CloudWatch does not know", "account-a", project + "logRetentionDays", "31", "one of 1 3 5 7 14 30"},
		{"logs for ever", "account-a", project + "logRetentionDays", "0", "one of 1 3 5 7 14 30"},
		{"unknown tracing", "account-a", project + "tracing", "active", "PassThrough or Active"},
		{"unknown oversize", "account-a", project + "oversize", "stream", "presign or refuse"},
		{"a URL for ever", "account-a", project + "presignTtl", "12h1s", "from 1s to 12h"},
		{"a duration without a unit", "account-a", project + "presignTtl", "900", "as in 15m"},
		{"an old TLS", "account-b", project + "minimumTlsVersion", "1.0", "1.2 or 1.3"},
		{"an encryption in the words of S3", "account-b", project + "encryption", "aws:kms", "sse-s3 or sse-kms"},
		{"a guard of another kind", "account-a", project + "guard", "off", "mandatory or advisory"},
		{"a truth of another kind", "account-b", project + "forceDestroy", "yes", "true or false"},
		{"a stack without organization", "account-b", project + "computeStack", "account-a", "with its organization and project"},
		{"no guard", "account-a", "aws:allowedAccountIds", "", `["123456789012"], the account that computeAccountId names`},
		{"the other account in the guard", "account-b", "aws:allowedAccountIds", `["123456789012"]`, `["987654321098"], the account that dataAccountId names`},
		{"both accounts in the guard", "account-a", "aws:allowedAccountIds", `["123456789012","987654321098"]`, `["123456789012"]`},
		{"a guard that is no list", "account-a", "aws:allowedAccountIds", "123456789012", `["123456789012"]`},
		{"a role of another account", "account-a", "aws:assumeRole", `{"roleArn":"arn:aws:iam::111122223333:role/Deploy"}`, "a role of account 123456789012"},
		{"a user to assume", "account-a", "aws:assumeRole", `{"roleArn":"arn:aws:iam::123456789012:user/Deploy"}`, "the ARN of a role"},
		{"a role that is not an object", "account-a", "aws:assumeRole", "Deploy", "the ARN of a role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings, err := settingsOf(t, c.stack, map[string]string{c.key: c.value})
			if err == nil {
				t.Fatalf("accepted as %s", show(settings))
			}
			var lines []string
			for line := range strings.Lines(err.Error()) {
				if strings.Contains(line, c.key) && strings.Contains(line, c.want) {
					lines = append(lines, line)
				}
			}
			if len(lines) != 1 {
				t.Errorf("no single line with %q and %q in\n%v", c.key, c.want, err)
			}
			if shown := strings.Contains(err.Error(), strings.ReplaceAll(c.value, `"`, `\"`)); !shown && !strings.Contains(c.key, "permissions") && !strings.Contains(c.key, "assumeRole") {
				t.Errorf("the value %q is not in\n%v", c.value, err)
			}
		})
	}
}

// A person with five mistakes does not want five runs.
func TestSettingsReportsEverythingAtOnce(t *testing.T) {
	t.Setenv(pulumi.EnvConfig, `{"cross-account-s3:prefx":"data","cross-account-s3:prefix":"data","aws:profile":"x","other:key":"y"}`)
	_, err := settingsOf(t, "account-b", map[string]string{
		"aws:allowedAccountIds":             "[]",
		"cross-account-s3:bucketName":       "B",
		"cross-account-s3:memorySize":       "1",
		"cross-account-s3:roleName":         "",
		"cross-account-s3:permissions":      `["admin"]`,
		"cross-account-s3:computeStack":     "?",
		"cross-account-s3:logRetentionDays": "x",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	var keys []string
	for line := range strings.Lines(err.Error()) {
		keys = append(keys, strings.Fields(line)[0])
	}
	expectEqual(t, "the keys in\n"+err.Error(), keys[1:], []string{
		"cross-account-s3:roleName",
		"cross-account-s3:bucketName",
		"cross-account-s3:permissions[0]",
		"cross-account-s3:memorySize",
		"cross-account-s3:logRetentionDays",
		"cross-account-s3:computeStack",
		"aws:allowedAccountIds",
		"cross-account-s3:prefx",
	})
}

// The organization is Pulumi Cloud's, or "organization" where the state is kept in files.
func TestComputeStackIsOfTheSameOrganization(t *testing.T) {
	m := &monitor{}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		settings, err := ReadSettings(ctx)
		if err == nil && settings.ComputeStack != "acme/cross-account-s3/account-a" {
			t.Errorf("computeStack is %s", settings.ComputeStack)
		}
		return err
	}, pulumi.WithMocksWithOrganization("acme", "cross-account-s3", "account-b", m), func(info *pulumi.RunInfo) {
		info.Config = configuration(t, "account-b", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}
