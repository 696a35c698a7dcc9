package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// engine stands in for Pulumi's: it notes the inputs of what is registered, and has account-a deployed.
type engine struct {
	mutex  sync.Mutex
	inputs map[string]resource.PropertyMap
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	state := args.Inputs.Copy()
	// The SDK's own stand-in for the engine takes no secret that is not known yet.
	for _, name := range []resource.PropertyKey{"arn", "uniqueId"} {
		state[name] = resource.NewProperty("known")
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.inputs[args.TypeToken+" "+args.Name] = args.Inputs
	return args.Name, state, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token == "aws:ssm/getParameter:getParameter" {
		return resource.PropertyMap{"insecureValue": resource.NewProperty(`{"roleArn":"arn:aws:iam::123456789012:role/R",` +
			`"roleUniqueId":"AROAEXAMPLE","functionArn":"arn:aws:lambda:us-east-1:123456789012:function:F"}`)}, nil
	}
	if args.Token != "command:local:run" {
		return nil, nil
	}
	archive := filepath.Join(args.Args["dir"].StringValue(), ".build/lambda/x86_64/handler.zip")
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		return nil, err
	}
	return nil, os.WriteFile(archive, nil, 0o600)
}

// run deploys a stack with a configuration that has no value in common with what Pulumi.yaml has as defaults.
func run(t *testing.T, side, account string) (*engine, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	e := &engine{inputs: map[string]resource.PropertyMap{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error { return deploy(ctx, newGuard(t.Context()), func(error) {}) }, pulumi.WithMocks("cross-account-s3", side, e), func(info *pulumi.RunInfo) {
		info.DryRun = true
		info.Config = map[string]string{"aws:region": "us-east-1", "aws:allowedAccountIds": `["` + account + `"]`}
		for key, value := range map[string]string{
			"side": side, "computeAccountId": "123456789012", "dataAccountId": "987654321098", "bucketName": "b-b", "roleName": "R",
			"functionName": "F", "permissions": `["read"]`, "prefix": "p/", "architecture": "x86_64", "memorySize": "512", "timeout": "7",
			"reservedConcurrency": "5", "logRetentionDays": "7", "tracing": "Active", "oversize": "refuse", "presignTtl": "2m",
			"forceDestroy": "true", "guard": "mandatory", "encryption": "sse-kms", "accessLogging": "true", "accessLogBucketName": "l-l",
			"accessLogRetentionDays": "11", "abortUploadsAfterDays": "12", "expireVersionsAfterDays": "13", "objectLock": "governance",
			"objectLockDays": "14", "protect": "true", "retainOnDelete": "true", "vpcEndpoints": `["vpce-0123456789abcdef0"]`,
			"sourceIps": `["203.0.113.0/24"]`, "organizationId": "o-exampleorgid", "deployRoles": `["arn:aws:iam::987654321098:role/Deploy"]`,
			"minimumTlsVersion": "1.3", "monitoring": "true", "alarmSubscriptions": `["a@example.com"]`,
			"subnetIds": `["subnet-11111111"]`, "securityGroupIds": `["sg-11111111"]`, "s3Endpoint": "true", "vpcId": "vpc-11111111",
			"routeTableIds": `["rtb-11111111"]`,
			"share":         `["parameterStore","secretsManager"]`, "shareOutsideOrganization": "true", "roleArnFrom": "parameterStore",
			"secretReaders":  `["arn:aws:iam::987654321098:role/Deploy"]`,
			"accessAnalyzer": "true", "trailBucketName": "t-t", "trailRetentionDays": "9", "alarmClientErrors": "3",
			"consumers":            `[{"name":"partner","roleArn":"arn:aws:iam::111122223333:role/Partner","permissions":["write"],"prefixes":["in/"]}]`,
			"consumerAccessPoints": "true",
		} {
			info.Config["cross-account-s3:"+key] = value
		}
	})
	return e, err
}

// expect compares texts of the inputs with those that the settings ask for.
func (e *engine) expect(t *testing.T, key string, input resource.PropertyKey, wants ...string) {
	t.Helper()
	got := e.inputs[key][input].String()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s of %s is %s, without %s; registered: %q", input, key, got, want, e.keys())
		}
	}
}

func (e *engine) keys() []string {
	var keys []string
	for key := range e.inputs {
		keys = append(keys, key)
	}
	return slices.Sorted(slices.Values(keys))
}

func TestComputeSide(t *testing.T) {
	e, err := run(t, "compute", "123456789012")
	if err != nil {
		t.Fatal(err)
	}
	const policy, function = "aws:iam/rolePolicy:RolePolicy role-", "aws:lambda/function:Function function"
	e.expect(t, "aws:iam/role:Role role", "name", "R")
	e.expect(t, policy+"bucket-access", "policy", `"s3:GetObject"`, "arn:aws:s3:::b-b/p/*")
	e.expect(t, policy+"bucket-access", "policy", `"kms:Decrypt"`, "alias/b-b")
	e.expect(t, policy+"telemetry", "policy", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/F:*", "xray:PutTraceSegments")
	e.expect(t, "aws:cloudwatch/logGroup:LogGroup function", "name", "/aws/lambda/F")
	e.expect(t, function, "name", "F")
	e.expect(t, function, "environment", "b-b", "987654321098", "p/", "refuse", "2m0s")
	e.expect(t, function, "loggingConfig", "/aws/lambda/F")
	e.expect(t, function, "vpcConfig", "subnet-11111111", "sg-11111111")
	e.expect(t, policy+"network-interfaces", "policy", "subnet/subnet-11111111", "arn:aws:lambda:us-east-1:123456789012:function:F")
	e.expect(t, "aws:ec2/vpcEndpoint:VpcEndpoint s3", "vpcId", "vpc-11111111")
	e.expect(t, "aws:ec2/vpcEndpoint:VpcEndpoint s3", "policy", "arn:aws:s3:::b-b/p/*", "123456789012")
	e.expect(t, "aws:cloudwatch/metricAlarm:MetricAlarm function-duration", "threshold", "6300")
	e.expect(t, "aws:sns/topicSubscription:TopicSubscription function-a@example.com", "endpoint", "a@example.com")
	e.expect(t, "aws:accessanalyzer/analyzer:Analyzer analyzer", "type", "ACCOUNT")
	e.expect(t, "aws:ssm/parameter:Parameter role", "name", "/cross-account-s3/F/role")
	e.expect(t, "aws:ram/resourceShare:ResourceShare role", "allowExternalPrincipals", "true")
	e.expect(t, "aws:ram/principalAssociation:PrincipalAssociation role", "principal", "987654321098")
	e.expect(t, "aws:secretsmanager/secret:Secret role", "name", "cross-account-s3/F/role")
	e.expect(t, "aws:secretsmanager/secretPolicy:SecretPolicy role", "policy", "arn:aws:iam::987654321098:role/Deploy")
	e.expect(t, "aws:kms/key:Key role", "policy", "arn:aws:iam::987654321098:role/Deploy", "secretsmanager.us-east-1.amazonaws.com")
	for key := range e.inputs {
		if strings.HasPrefix(key, "aws:s3/") || strings.HasPrefix(key, "aws:cloudtrail/") {
			t.Errorf("%s belongs to the other account", key)
		}
	}
}

func TestDataSide(t *testing.T) {
	e, err := run(t, "data", "987654321098")
	if err != nil {
		t.Fatal(err)
	}
	const bucket = "aws:s3/bucketV2:BucketV2 bucket"
	e.expect(t, bucket, "bucket", "b-b")
	e.expect(t, bucket, "forceDestroy", "true")
	e.expect(t, "aws:s3/bucketPolicy:BucketPolicy bucket", "policy", "arn:aws:iam::123456789012:role/R", "arn:aws:s3:::b-b/p/*")
	e.expect(t, "aws:s3/bucketPolicy:BucketPolicy bucket", "policy", "vpce-0123456789abcdef0", "203.0.113.0/24", "o-exampleorgid", `"s3:TlsVersion":"1.3"`)
	e.expect(t, "aws:s3/bucketLoggingV2:BucketLoggingV2 bucket", "targetPrefix", "b-b/")
	e.expect(t, "aws:s3/bucketPolicy:BucketPolicy bucket-logs", "policy", "arn:aws:s3:::l-l/b-b/*", "arn:aws:s3:::b-b", "987654321098")
	e.expect(t, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2 bucket-logs", "rules", "11")
	e.expect(t, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2 bucket", "rules", "12", "13")
	e.expect(t, "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2 bucket", "rule", "GOVERNANCE", "14")
	e.expect(t, "aws:kms/keyPolicy:KeyPolicy bucket-key", "policy", "arn:aws:iam::123456789012:role/R", `"kms:Decrypt"`)
	e.expect(t, "aws:s3/bucketPolicy:BucketPolicy bucket", "policy", "arn:aws:iam::111122223333:role/Partner", `"s3:DataAccessPointAccount":"987654321098"`)
	e.expect(t, "aws:kms/keyPolicy:KeyPolicy bucket-key", "policy", "arn:aws:iam::111122223333:role/Partner", `"kms:GenerateDataKey"`)
	e.expect(t, "aws:s3/accessPoint:AccessPoint partner", "policy", "arn:aws:s3:us-east-1:987654321098:accesspoint/partner/object/in/*")
	e.expect(t, "aws:cloudtrail/trail:Trail trail", "s3BucketName", "t-t")
	e.expect(t, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2 trail", "rules", "9")
	e.expect(t, "aws:s3/bucketPolicy:BucketPolicy trail", "policy", "arn:aws:s3:::t-t/AWSLogs/987654321098/*")
	e.expect(t, "aws:cloudwatch/metricAlarm:MetricAlarm bucket-4xx-errors", "threshold", "3")
	e.expect(t, "aws:sns/topicSubscription:TopicSubscription bucket-a@example.com", "endpoint", "a@example.com")
	e.expect(t, "aws:accessanalyzer/analyzer:Analyzer analyzer", "type", "ACCOUNT")
	for _, key := range e.keys() {
		if strings.HasPrefix(key, "aws:lambda/") || strings.HasPrefix(key, "aws:iam/") {
			t.Errorf("%s belongs to the other account", key)
		}
	}
}

// The guard is the last thing between the wrong credentials and the wrong account.
func TestNothingIsRegisteredWithWrongSettings(t *testing.T) {
	for side, otherAccount := range map[string]string{"compute": "987654321098", "data": "123456789012", "both": "123456789012"} {
		e, err := run(t, side, otherAccount)
		if err == nil {
			t.Errorf("%s: no error", side)
		}
		if len(e.inputs) > 0 {
			t.Errorf("%s: registered %q", side, e.keys())
		}
	}
}
