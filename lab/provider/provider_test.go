package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

const (
	compute = "123456789012"
	data    = "987654321098"

	trust      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustsOwn  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}`
	everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	connects   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:*","s3:GetObject"],"Resource":"*"}]}`
	reads      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/*"}]}`
)

var decider = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(context.Background()) })

// fixture is a server with two accounts and a role in each that may do everything.
type fixture struct {
	world     *account.World
	directory string
	server    *Server
	keys      map[string]account.Key
}

func newFixture(t *testing.T, observe func(Operation)) *fixture {
	t.Helper()
	engine, err := decider()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{world: account.New(engine, compute, data), directory: t.TempDir(), keys: map[string]account.Key{}}
	for _, id := range []string{compute, data} {
		role, err := f.world.CreateRole(account.Role{Account: id, Name: "Deploy", TrustPolicy: strings.ReplaceAll(trustsOwn, compute, id)})
		if err == nil {
			err = f.world.PutRolePolicy(role.ARN, "everything", everything)
		}
		if err == nil {
			f.keys[id], err = f.world.AssumeRole(role.ARN, "test")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f.server, err = Start(t.Context(), Options{World: f.world, Directory: f.directory, Observe: observe, Caller: f.caller})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.server.Close)
	return f
}

func (f *fixture) caller(accountIDs []string) (account.Key, error) {
	for _, id := range accountIDs {
		if key, has := f.keys[id]; has {
			return key, nil
		}
	}
	return account.Key{}, errors.New("no credentials")
}

// dial opens a connection of its own to a provider, as the engine does for each instance.
func (f *fixture) dial(t *testing.T, name string) pulumirpc.ResourceProviderClient {
	t.Helper()
	connection, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", f.server.Ports()[name]), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
	})
	return pulumirpc.NewResourceProviderClient(connection)
}

func (f *fixture) configured(t *testing.T, id string) *instance {
	t.Helper()
	client := f.dial(t, "aws")
	if err := configure(t, client, map[string]any{"region": "us-east-1", "allowedAccountIds": `["` + id + `"]`}); err != nil {
		t.Fatal(err)
	}
	return &instance{t: t, client: client}
}

func configure(t *testing.T, client pulumirpc.ResourceProviderClient, arguments map[string]any) error {
	t.Helper()
	text, err := write(resource.NewPropertyMapFromMap(arguments))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: text})
	return err
}

// instance is a configured provider, with the requests that the engine makes of one resource.
type instance struct {
	t      *testing.T
	client pulumirpc.ResourceProviderClient
}

func urn(token string) string {
	return "urn:pulumi:account-a::cross-account-s3::" + token + "::name"
}

func (i *instance) check(token string, inputs resource.PropertyMap) (resource.PropertyMap, []string, error) {
	i.t.Helper()
	text, err := write(inputs)
	if err != nil {
		i.t.Fatal(err)
	}
	response, err := i.client.Check(i.t.Context(), &pulumirpc.CheckRequest{Urn: urn(token), News: text})
	if err != nil {
		return nil, nil, err
	}
	var failures []string
	for _, failure := range response.GetFailures() {
		failures = append(failures, failure.GetReason())
	}
	checked, err := read(response.GetInputs())
	return checked, failures, err
}

// create checks and creates.
func (i *instance) create(token string, inputs map[string]any) (id string, checked, outputs resource.PropertyMap, err error) {
	i.t.Helper()
	checked, failures, err := i.check(token, resource.NewPropertyMapFromMap(inputs))
	if err != nil || len(failures) > 0 {
		i.t.Fatalf("%s: %v %q", token, err, failures)
	}
	text, err := write(checked)
	if err != nil {
		i.t.Fatal(err)
	}
	response, err := i.client.Create(i.t.Context(), &pulumirpc.CreateRequest{Urn: urn(token), Properties: text})
	if err != nil {
		return "", checked, nil, err
	}
	outputs, err = read(response.GetProperties())
	return response.GetId(), checked, outputs, err
}

func (i *instance) mustCreate(token string, inputs map[string]any) (id string, checked, outputs resource.PropertyMap) {
	i.t.Helper()
	id, checked, outputs, err := i.create(token, inputs)
	if err != nil {
		i.t.Fatal(err)
	}
	return id, checked, outputs
}

func (i *instance) diff(token string, olds, news resource.PropertyMap) *pulumirpc.DiffResponse {
	i.t.Helper()
	oldText, err := write(olds)
	if err != nil {
		i.t.Fatal(err)
	}
	newText, err := write(news)
	if err != nil {
		i.t.Fatal(err)
	}
	response, err := i.client.Diff(i.t.Context(), &pulumirpc.DiffRequest{Urn: urn(token), OldInputs: oldText, News: newText})
	if err != nil {
		i.t.Fatal(err)
	}
	return response
}

func (i *instance) update(token, id string, olds, news resource.PropertyMap) (resource.PropertyMap, error) {
	i.t.Helper()
	oldText, err := write(olds)
	if err != nil {
		i.t.Fatal(err)
	}
	newText, err := write(news)
	if err != nil {
		i.t.Fatal(err)
	}
	response, err := i.client.Update(i.t.Context(), &pulumirpc.UpdateRequest{Id: id, Urn: urn(token), Olds: oldText, News: newText})
	if err != nil {
		return nil, err
	}
	return read(response.GetProperties())
}

func (i *instance) read(token, id string, inputs, outputs resource.PropertyMap) (readID string, newInputs, newOutputs resource.PropertyMap) {
	i.t.Helper()
	inputText, err := write(inputs)
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := write(outputs)
	if err != nil {
		i.t.Fatal(err)
	}
	response, err := i.client.Read(i.t.Context(), &pulumirpc.ReadRequest{Id: id, Urn: urn(token), Inputs: inputText, Properties: text})
	if err != nil {
		i.t.Fatal(err)
	}
	newInputs, err = read(response.GetInputs())
	if err != nil {
		i.t.Fatal(err)
	}
	newOutputs, err = read(response.GetProperties())
	if err != nil {
		i.t.Fatal(err)
	}
	return response.GetId(), newInputs, newOutputs
}

func (i *instance) delete(token, id string, outputs resource.PropertyMap) error {
	i.t.Helper()
	text, err := write(outputs)
	if err != nil {
		i.t.Fatal(err)
	}
	_, err = i.client.Delete(i.t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(token), Properties: text})
	return err
}

var notKnownYet = resource.Computed{Element: resource.NewProperty("")}

const (
	roleType       = "aws:iam/role:Role"
	rolePolicyType = "aws:iam/rolePolicy:RolePolicy"
	logGroupType   = "aws:cloudwatch/logGroup:LogGroup"
	functionType   = "aws:lambda/function:Function"
	bucketType     = "aws:s3/bucketV2:BucketV2"
	policyType     = "aws:s3/bucketPolicy:BucketPolicy"
)

// life is a resource, with a change of every input that can be changed in place.
type life struct {
	token   string
	inputs  map[string]any
	changes map[string]any
}

func lifecycles(t *testing.T, directory, kmsKeyID string) []life {
	t.Helper()
	code := func(text string) any {
		name := text + ".zip"
		// What an archive holds is Lambda's business.
		zip := append([]byte("PK\x05\x06"), make([]byte, 18)...)
		zip[20] = byte(len(text))
		if err := os.WriteFile(filepath.Join(directory, name), append(zip, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		packed, err := archive.FromPathWithWD(name, directory)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	const roleARN = "arn:aws:iam::123456789012:role/R"
	return []life{
		{roleType, map[string]any{"name": "R", "description": "one", "assumeRolePolicy": trust},
			map[string]any{"description": "two", "assumeRolePolicy": trustsOwn, "maxSessionDuration": 7200.0, "tags": map[string]any{"a": "b"}}},
		{rolePolicyType, map[string]any{"name": "p", "role": "R", "policy": everything}, map[string]any{"policy": connects}},
		{logGroupType, map[string]any{"name": "/aws/lambda/f", "retentionInDays": 30.0}, map[string]any{"retentionInDays": 7.0}},
		{functionType, map[string]any{
			"name": "f", "description": "one", "role": roleARN, "runtime": "provided.al2023", "handler": "bootstrap", "code": code("one"),
			"sourceCodeHash": "1", "environment": map[string]any{"variables": map[string]any{"A": "1"}},
			"loggingConfig": map[string]any{"logFormat": "JSON", "logGroup": "/aws/lambda/f"},
		}, map[string]any{
			"description": "two", "code": code("two"), "sourceCodeHash": "2", "memorySize": 512.0, "timeout": 30.0, "reservedConcurrentExecutions": 0.0,
			"architectures": []any{"arm64"}, "environment": map[string]any{"variables": map[string]any{"A": "2"}},
			"tracingConfig": map[string]any{"mode": "Active"}, "loggingConfig": map[string]any{"logFormat": "Text", "logGroup": "/other"},
			"vpcConfig": map[string]any{"subnetIds": []any{"subnet-1"}, "securityGroupIds": []any{"sg-1"}},
		}},
		{"aws:ec2/vpcEndpoint:VpcEndpoint", map[string]any{
			"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-east-1.s3", "routeTableIds": []any{"rtb-1"}, "policy": endpointAllows("s3:GetObject"),
		}, map[string]any{"routeTableIds": []any{"rtb-1", "rtb-2"}, "policy": endpointAllows("s3:PutObject"), "tags": map[string]any{"a": "b"}}},
		{bucketType, map[string]any{"bucket": "shared"}, map[string]any{"tags": map[string]any{"a": "b"}, "forceDestroy": true}},
		{"aws:s3/bucketOwnershipControls:BucketOwnershipControls", map[string]any{"bucket": "shared", "rule": map[string]any{"objectOwnership": "BucketOwnerEnforced"}},
			map[string]any{"rule": map[string]any{"objectOwnership": "BucketOwnerPreferred"}}},
		{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", map[string]any{"bucket": "shared", "blockPublicAcls": true, "blockPublicPolicy": true},
			map[string]any{"blockPublicAcls": false, "ignorePublicAcls": true, "restrictPublicBuckets": true}},
		{"aws:s3/bucketVersioningV2:BucketVersioningV2", map[string]any{"bucket": "shared", "versioningConfiguration": map[string]any{"status": "Enabled"}},
			map[string]any{"versioningConfiguration": map[string]any{"status": "Suspended"}}},
		{"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			map[string]any{"bucket": "shared", "rules": []any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "AES256"}}}},
			map[string]any{"rules": []any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": true}}}},
		{policyType, map[string]any{"bucket": "shared", "policy": bucketGrants("arn:aws:iam::123456789012:role/R")},
			map[string]any{"policy": bucketGrants("arn:aws:iam::123456789012:root")}},
		{"aws:kms/key:Key", map[string]any{"policy": keyAdministered("kms:*"), "description": "one"}, map[string]any{
			"policy": keyAdministered("*"), "description": "two", "enableKeyRotation": true, "isEnabled": false, "deletionWindowInDays": 7.0,
			"tags": map[string]any{"a": "b"},
		}},
		{"aws:kms/keyPolicy:KeyPolicy", map[string]any{"keyId": kmsKeyID, "policy": keyAdministered("kms:*")}, map[string]any{"policy": keyAdministered("*")}},
		{"aws:kms/alias:Alias", map[string]any{"name": "alias/one", "targetKeyId": kmsKeyID}, nil},
		{"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", map[string]any{"bucket": "shared", "rules": []any{map[string]any{
			"id": "expire", "status": "Enabled", "filter": map[string]any{"prefix": ""}, "expiration": map[string]any{"days": 30.0},
		}}}, map[string]any{"rules": []any{map[string]any{
			"id": "expire", "status": "Enabled", "filter": map[string]any{"prefix": "a/"}, "noncurrentVersionExpiration": map[string]any{"noncurrentDays": 3.0},
		}}}},
		{"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
			map[string]any{"bucket": "locked", "rule": map[string]any{"defaultRetention": map[string]any{"mode": "GOVERNANCE", "days": 3.0}}},
			map[string]any{"rule": map[string]any{"defaultRetention": map[string]any{"mode": "COMPLIANCE", "days": 4.0}}}},
		{"aws:s3/bucketLoggingV2:BucketLoggingV2", map[string]any{"bucket": "shared", "targetBucket": "locked", "targetPrefix": "a/"},
			map[string]any{"targetBucket": "shared", "targetPrefix": "b/"}},
		{"aws:s3/bucketMetric:BucketMetric", map[string]any{"bucket": "shared", "name": "EntireBucket"}, map[string]any{}},
		{"aws:s3/accessPoint:AccessPoint", map[string]any{
			"name": "point", "bucket": "shared", "policy": pointGrants("arn:aws:iam::123456789012:role/R"), "publicAccessBlockConfiguration": map[string]any{
				"blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": false,
			},
		}, map[string]any{"policy": pointGrants("arn:aws:iam::123456789012:root")}},
		{trailType, map[string]any{"name": "t", "s3BucketName": "shared", "advancedEventSelectors": []any{selects("Data", "arn:aws:s3:::shared/")}},
			map[string]any{"advancedEventSelectors": []any{selects("Data", "arn:aws:s3:::other/")}, "enableLogFileValidation": true, "enableLogging": false}},
		{topicType, map[string]any{"name": "t"}, map[string]any{"tags": map[string]any{"a": "b"}}},
		{"aws:sns/topicPolicy:TopicPolicy", map[string]any{"arn": topicARN, "policy": publishes("alarm:*")}, map[string]any{"policy": publishes("alarm:a")}},
		{"aws:sns/topicSubscription:TopicSubscription",
			map[string]any{"topic": topicARN, "protocol": "email", "endpoint": "a@example.com"}, map[string]any{}},
		{alarmType, map[string]any{
			"name": "a", "namespace": "AWS/S3", "metricName": "4xxErrors", "dimensions": map[string]any{"BucketName": "shared", "FilterId": "EntireBucket"},
			"statistic": "Sum", "comparisonOperator": "GreaterThanOrEqualToThreshold", "threshold": 2.0, "period": 300.0, "evaluationPeriods": 1.0,
			"treatMissingData": "notBreaching", "alarmActions": []any{topicARN},
		}, map[string]any{"threshold": 3.0, "period": 60.0, "alarmDescription": "d", "okActions": []any{topicARN}}},
		{"aws:cloudwatch/dashboard:Dashboard", map[string]any{"dashboardName": "d", "dashboardBody": "{}"},
			map[string]any{"dashboardBody": `{"widgets":[]}`}},
		{"aws:accessanalyzer/analyzer:Analyzer", map[string]any{"analyzerName": "x"}, map[string]any{"tags": map[string]any{"a": "b"}}},
	}
}

const (
	trailType = "aws:cloudtrail/trail:Trail"
	topicType = "aws:sns/topic:Topic"
	alarmType = "aws:cloudwatch/metricAlarm:MetricAlarm"
	topicARN  = "arn:aws:sns:us-east-1:123456789012:t"
)

func selects(category, objects string) any {
	return map[string]any{"fieldSelectors": []any{
		map[string]any{"field": "eventCategory", "equals": []any{category}},
		map[string]any{"field": "resources.type", "equals": []any{"AWS::S3::Object"}},
		map[string]any{"field": "resources.ARN", "startsWiths": []any{objects}},
	}}
}

func publishes(source string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish",` +
		`"Resource":"` + topicARN + `","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:us-east-1:123456789012:` + source + `"}}}]}`
}

// What the lab would not do as AWS does is an error, and not silence.
func TestWatchingThatTheLabDoesNotKnow(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	i.mustCreate(bucketType, map[string]any{"bucket": "shared"})
	alarm := map[string]any{
		"name": "a", "namespace": "n", "metricName": "m", "statistic": "Average", "comparisonOperator": "GreaterThanOrEqualToThreshold", "threshold": 1.0,
		"period": 60.0, "evaluationPeriods": 1.0, "treatMissingData": "notBreaching",
	}
	for name, c := range map[string]struct {
		token, want string
		inputs      map[string]any
	}{
		"management events": {trailType, "selects something else", map[string]any{
			"name": "t", "s3BucketName": "shared", "advancedEventSelectors": []any{selects("Management", "arn:aws:s3:::shared/")}}},
		"a bucket whose policy does not let CloudTrail write": {trailType, "InsufficientS3BucketPolicyException", map[string]any{
			"name": "t", "s3BucketName": "shared", "advancedEventSelectors": []any{selects("Data", "arn:aws:s3:::shared/")}}},
		"a log bucket that is not there": {trailType, "S3BucketDoesNotExistException", map[string]any{"name": "t", "s3BucketName": "none"}},
		"an average":                     {alarmType, "alarm a is another one", alarm},
		"a dashboard that is no JSON":    {"aws:cloudwatch/dashboard:Dashboard", "valid JSON", map[string]any{"dashboardName": "d", "dashboardBody": "{"}},
	} {
		if _, _, _, err := i.create(c.token, c.inputs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %s", name, err, c.want)
		}
	}
}

func keyAdministered(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"` + action + `","Resource":"*"}]}`
}

func endpointAllows(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"` + action + `","Resource":"*"}]}`
}

func bucketGrants(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/*"},` +
		`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],` +
		`"Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/AWSLogs/*"]}]}`
}

func pointGrants(principal string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:us-east-1:123456789012:accesspoint/point/object/*"}}`
}

// Each resource is created, read without a difference, changed in each of its inputs, and deleted.
func TestLifecycles(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	deployer := f.keys[compute]
	key, err := f.world.CreateKMSKey(t.Context(), &deployer, account.KMSKey{Account: compute, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	// Versions, which a lock needs, are switched off on the other bucket in between.
	if _, err := f.world.CreateBucket(t.Context(), account.Bucket{Account: compute, Region: "us-east-1", Name: "locked"}); err != nil {
		t.Fatal(err)
	}
	if err := f.world.Configure("locked", account.Versioning, map[string]any{"status": "Enabled"}); err != nil {
		t.Fatal(err)
	}
	f.world.AddVPC(account.VPC{
		Account: compute, Region: "us-east-1", ID: "vpc-1", Subnets: map[string]string{"subnet-1": "rtb-1", "subnet-2": "rtb-2"},
		SecurityGroups: []string{"sg-1"},
	})
	all := append(lifecycles(t, f.directory, key.ID), sharingLifecycles(t, f, key.ARN())...)
	if tested, known := len(all), len(kinds); tested != known {
		t.Fatalf("%d of %d kinds are tested", tested, known)
	}
	before := f.world.Inventory()
	type made struct {
		token, id string
		outputs   resource.PropertyMap
	}
	var stack []made
	for _, c := range all {
		id, inputs, outputs := i.mustCreate(c.token, c.inputs)
		expectRead := func(when string) {
			t.Helper()
			readID, readInputs, readOutputs := i.read(c.token, id, inputs, outputs)
			if readID != id || !readInputs.DeepEquals(inputs) || !readOutputs.DeepEquals(outputs) {
				t.Errorf("%s %s: read %s\n%v\n%v\nwant %s\n%v\n%v", c.token, when, readID, readInputs, readOutputs, id, inputs, outputs)
			}
		}
		expectRead("created")
		if diff := i.diff(c.token, inputs, inputs.Copy()); diff.GetChanges() != pulumirpc.DiffResponse_DIFF_NONE {
			t.Errorf("%s: unchanged inputs differ: %v", c.token, diff)
		}
		for _, key := range slices.Sorted(maps.Keys(c.changes)) {
			if slices.Contains([]string{"assumeRolePolicy"}, key) {
				continue // A role that does not trust Lambda would not do for the function below.
			}
			changed := inputs.Copy()
			changed[resource.PropertyKey(key)] = resource.NewPropertyValue(c.changes[key])
			diff := i.diff(c.token, inputs, changed)
			if diff.GetChanges() != pulumirpc.DiffResponse_DIFF_SOME || !slices.Equal(diff.GetDiffs(), []string{key}) || len(diff.GetReplaces()) > 0 {
				t.Errorf("%s: a change of %s is %v", c.token, key, diff)
			}
			updated, err := i.update(c.token, id, outputs, changed)
			if err != nil {
				t.Fatalf("%s: changing %s: %v", c.token, key, err)
			}
			inputs, outputs = changed, updated
			expectRead("after a change of " + key)
		}
		stack = append(stack, made{c.token, id, outputs})
	}
	for _, m := range slices.Backward(stack) {
		if err := i.delete(m.token, m.id, m.outputs); err != nil {
			t.Errorf("deleting %s: %v", m.token, err)
		}
		if id, _, _ := i.read(m.token, m.id, nil, nil); id != "" && m.token != "aws:s3/bucketVersioningV2:BucketVersioningV2" &&
			!strings.Contains(m.token, "Encryption") && !strings.Contains(m.token, "keyPolicy") { // Which S3 and KMS never let go of.
			t.Errorf("%s is still there", m.token)
		}
		if err := i.delete(m.token, m.id, m.outputs); err != nil && !strings.Contains(m.token, "bucket") {
			t.Errorf("deleting %s a second time: %v", m.token, err)
		}
	}
	if left := f.world.Inventory(); !slices.Equal(left, before) {
		t.Errorf("left: %v, there were %v", left, before)
	}
}

func TestCheck(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	for _, c := range []struct {
		name   string
		token  string
		inputs map[string]any
		want   []string
	}{
		{"complete", roleType, map[string]any{"name": "R", "assumeRolePolicy": trust}, nil},
		{"nothing", roleType, map[string]any{}, []string{"assumeRolePolicy is required", "name is required"}},
		{"an input that the lab does not know", roleType, map[string]any{"name": "R", "assumeRolePolicy": trust, "permissionsBoundary": "x"}, []string{"permissionsBoundary"}},
		{"a number for a text", roleType, map[string]any{"name": 5.0, "assumeRolePolicy": trust}, []string{"name is a JSON number, expected a string"}},
		{"an unknown part of a known input", functionType, map[string]any{
			"name": "f", "role": "r", "runtime": "r", "handler": "h", "code": notKnownYet, "environment": map[string]any{"secrets": map[string]any{}},
		}, []string{"secrets"}},
		{"not known yet", roleType, map[string]any{"name": "R", "assumeRolePolicy": notKnownYet}, nil},
	} {
		_, failures, err := i.check(c.token, resource.NewPropertyMapFromMap(c.inputs))
		if err != nil {
			t.Fatal(err)
		}
		if len(failures) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, failures, c.want)
			continue
		}
		for n, want := range c.want {
			if !strings.Contains(failures[n], want) {
				t.Errorf("%s: %q, want %q", c.name, failures[n], want)
			}
		}
	}
	checked, _, err := i.check(functionType, resource.NewPropertyMapFromMap(map[string]any{"name": "f"}))
	if err != nil || checked["memorySize"].NumberValue() != 128 || checked["timeout"].NumberValue() != 3 || checked["packageType"].StringValue() != "Zip" {
		t.Errorf("AWS's defaults of a function: %v, %v", checked, err)
	}
}

func TestUnknownType(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	_, _, err := i.check("aws:ec2/vpc:Vpc", nil)
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "aws:ec2/vpc:Vpc") || !strings.Contains(err.Error(), roleType) {
		t.Errorf("%v", err)
	}
	_, err = i.client.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "aws:index/getRegion:getRegion"})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "getRegion") {
		t.Errorf("%v", err)
	}
	if _, err := f.dial(t, "command").Check(t.Context(), &pulumirpc.CheckRequest{Type: "command:local:Command"}); status.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}
}

func TestConfigure(t *testing.T) {
	f := newFixture(t, nil)
	f.keys["111122223333"] = f.keys[data] // Credentials that are for another account than they should be.
	for _, c := range []struct {
		name      string
		arguments map[string]any
		want      string
	}{
		{"account A", map[string]any{"region": "us-east-1", "allowedAccountIds": `["123456789012"]`}, ""},
		{"no region", map[string]any{"allowedAccountIds": `["123456789012"]`}, "aws:region is missing"},
		{"no credentials", map[string]any{"region": "us-east-1", "allowedAccountIds": `[]`}, "no credentials"},
		{"another account", map[string]any{"region": "us-east-1", "allowedAccountIds": `["111122223333"]`}, "AWS account ID not allowed: 987654321098"},
		{"a forbidden account", map[string]any{"region": "us-east-1", "allowedAccountIds": `["123456789012"]`, "forbiddenAccountIds": `["123456789012"]`}, "AWS account ID not allowed: 123456789012"},
		{"not a list", map[string]any{"region": "us-east-1", "allowedAccountIds": `123456789012`}, "aws:allowedAccountIds"},
		{"a key the lab does not know", map[string]any{"region": "us-east-1", "allowedAccountIds": `["123456789012"]`, "s3UsePathStyle": "true"}, "aws:s3UsePathStyle"},
		{"own role", map[string]any{"region": "us-east-1", "allowedAccountIds": `["123456789012"]`, "assumeRole": `{"roleArn":"arn:aws:iam::123456789012:role/Deploy"}`}, ""},
		{"role of another account", map[string]any{"region": "us-east-1", "allowedAccountIds": `["123456789012"]`, "assumeRole": `{"roleArn":"arn:aws:iam::987654321098:role/Deploy"}`}, "may not assume it"},
		{"role that is missing", map[string]any{"region": "us-east-1", "allowedAccountIds": `["123456789012"]`, "assumeRole": `{"roleArn":"arn:aws:iam::123456789012:role/Nobody"}`}, "assuming arn:aws:iam::123456789012:role/Nobody"},
	} {
		err := configure(t, f.dial(t, "aws"), c.arguments)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Each instance of the provider has the credentials that it was configured with, and none works without.
func TestInstances(t *testing.T) {
	f := newFixture(t, nil)
	inA, inB := f.configured(t, compute), f.configured(t, data)
	for id, i := range map[string]*instance{compute: inA, data: inB} {
		if _, _, outputs := i.mustCreate(roleType, map[string]any{"name": "R", "assumeRolePolicy": trust}); outputs["arn"].StringValue() != "arn:aws:iam::"+id+":role/R" {
			t.Errorf("role of %s: %v", id, outputs)
		}
	}
	unconfigured := &instance{t: t, client: f.dial(t, "aws")}
	if _, _, _, err := unconfigured.create(roleType, map[string]any{"name": "S", "assumeRolePolicy": trust}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("unconfigured: %v", err)
	}
}

func TestDiff(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	base := map[string]any{"name": "p", "role": "R", "policy": everything}
	for _, c := range []struct {
		name         string
		token        string
		olds, change map[string]any
		diffs        []string
		replaces     []string
		before       bool
	}{
		{"another spelling of a policy", rolePolicyType, base, map[string]any{"policy": strings.ReplaceAll(everything, ",", ", ")}, nil, nil, true},
		{"another policy", rolePolicyType, base, map[string]any{"policy": reads}, []string{"policy"}, nil, true},
		{"another role", rolePolicyType, base, map[string]any{"role": "S"}, []string{"role"}, []string{"role"}, true},
		{"another name", rolePolicyType, base, map[string]any{"name": "q"}, []string{"name"}, []string{"name"}, false},
		{"another path", roleType, map[string]any{"name": "R", "path": "/", "assumeRolePolicy": trust}, map[string]any{"path": "/x/"}, []string{"path"}, []string{"path"}, true},
		{"another bucket", bucketType, map[string]any{"bucket": "a"}, map[string]any{"bucket": "b"}, []string{"bucket"}, []string{"bucket"}, false},
		{"not known yet", rolePolicyType, base, map[string]any{"policy": notKnownYet}, []string{"policy"}, nil, true},
	} {
		news := maps.Clone(c.olds)
		maps.Copy(news, c.change)
		diff := i.diff(c.token, resource.NewPropertyMapFromMap(c.olds), resource.NewPropertyMapFromMap(news))
		if !slices.Equal(diff.GetDiffs(), c.diffs) || !slices.Equal(diff.GetReplaces(), c.replaces) || diff.GetDeleteBeforeReplace() != c.before ||
			(diff.GetChanges() == pulumirpc.DiffResponse_DIFF_SOME) != (len(c.diffs) > 0) {
			t.Errorf("%s: %v", c.name, diff)
		}
	}
}

// What somebody changed besides Pulumi is what Read answers; what is the same in meaning is not touched.
func TestDrift(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	_, _, role := i.mustCreate(roleType, map[string]any{"name": "R", "assumeRolePolicy": trust})
	id, inputs, outputs := i.mustCreate(rolePolicyType, map[string]any{"name": "p", "role": "R", "policy": everything})
	arn := role["arn"].StringValue()

	if err := f.world.PutRolePolicy(arn, "p", strings.ReplaceAll(everything, ",", ", ")); err != nil {
		t.Fatal(err)
	}
	if _, readInputs, readOutputs := i.read(rolePolicyType, id, inputs, outputs); !readInputs.DeepEquals(inputs) || !readOutputs.DeepEquals(outputs) {
		t.Errorf("another spelling is drift: %v", readInputs)
	}
	if err := f.world.PutRolePolicy(arn, "p", reads); err != nil {
		t.Fatal(err)
	}
	if _, readInputs, readOutputs := i.read(rolePolicyType, id, inputs, outputs); readInputs["policy"].StringValue() != reads || readOutputs["policy"].StringValue() != reads {
		t.Errorf("changed policy: %v", readInputs)
	}
	if err := f.world.DeleteRolePolicy(arn, "p"); err != nil {
		t.Fatal(err)
	}
	if readID, _, _ := i.read(rolePolicyType, id, inputs, outputs); readID != "" {
		t.Errorf("deleted policy: %s", readID)
	}
	// An import brings no inputs and gets them all.
	if _, imported, _ := i.read(roleType, "R", nil, nil); imported["name"].StringValue() != "R" || imported["assumeRolePolicy"].StringValue() != trust {
		t.Errorf("imported: %v", imported)
	}
}

func TestRefusals(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, data)
	i.mustCreate(bucketType, map[string]any{"bucket": "shared"})
	for _, c := range []struct {
		name   string
		token  string
		inputs map[string]any
		want   string
	}{
		{"a role that does not exist", policyType, map[string]any{"bucket": "shared", "policy": bucketGrants("arn:aws:iam::123456789012:role/R")}, "MalformedPolicy: Invalid principal in policy"},
		{"a bucket that does not exist", policyType, map[string]any{"bucket": "other", "policy": bucketGrants("*")}, "NoSuchBucket"},
		{"a bucket that exists", bucketType, map[string]any{"bucket": "shared"}, "BucketAlreadyOwnedByYou"},
		{"a role policy without its role", rolePolicyType, map[string]any{"name": "p", "role": "R", "policy": reads}, "NoSuchEntity"},
	} {
		_, _, _, err := i.create(c.token, c.inputs)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}

	// A bucket policy binds whoever deploys as well.
	lockout := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::shared"}]}`
	i.mustCreate(policyType, map[string]any{"bucket": "shared", "policy": lockout})
	if _, _, _, err := i.create(policyType, map[string]any{"bucket": "shared", "policy": bucketGrants("*")}); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("locked out: %v", err)
	}
}

func TestDeleteBucket(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, data)
	for _, force := range []bool{false, true} {
		id, _, outputs := i.mustCreate(bucketType, map[string]any{"bucket": fmt.Sprintf("shared-%v", force), "forceDestroy": force})
		if _, err := f.world.Objects().PutObject(t.Context(), id, "k", nil, strings.NewReader("text"), 4); err != nil {
			t.Fatal(err)
		}
		err := i.delete(bucketType, id, outputs)
		if force && err != nil || !force && (err == nil || !strings.Contains(err.Error(), "BucketNotEmpty")) {
			t.Errorf("forceDestroy %v: %v", force, err)
		}
	}
}

// At preview nothing is made, and what is not known yet stays so.
func TestPreview(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	inputs := resource.NewPropertyMapFromMap(map[string]any{"name": "R", "assumeRolePolicy": trust})
	text, err := write(inputs)
	if err != nil {
		t.Fatal(err)
	}
	response, err := i.client.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(roleType), Properties: text, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	if outputs, err := read(response.GetProperties()); err != nil || !outputs.DeepEquals(inputs) || response.GetId() != "" {
		t.Errorf("created %q %v %v", response.GetId(), outputs, err)
	}
	if left := f.world.Inventory(); len(left) != 2 {
		t.Errorf("a preview made %v", left)
	}
	id, _, outputs := i.mustCreate(roleType, map[string]any{"name": "R", "assumeRolePolicy": trust})
	olds, err := write(outputs)
	if err != nil {
		t.Fatal(err)
	}
	inputs["description"] = resource.NewProperty("new")
	if text, err = write(inputs); err != nil {
		t.Fatal(err)
	}
	updated, err := i.client.Update(t.Context(), &pulumirpc.UpdateRequest{Id: id, Urn: urn(roleType), Olds: olds, News: text, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	previewed, err := read(updated.GetProperties())
	if err != nil || previewed["description"].StringValue() != "new" || !previewed["arn"].DeepEquals(outputs["arn"]) {
		t.Errorf("updated: %v %v", previewed, err)
	}
	if stored, err := f.world.RoleNamed(compute, "R"); err != nil || stored.Description != "" {
		t.Errorf("a preview changed %+v %v", stored, err)
	}
}

// A command that is gone before its turn changes nothing.
func TestAbandonedCreate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan Operation, 1)
	f := newFixture(t, func(operation Operation) {
		cancel()
		<-operation.Context.Done()
		seen <- operation
	})
	i := f.configured(t, compute)
	text, err := write(resource.NewPropertyMapFromMap(map[string]any{"name": "R", "assumeRolePolicy": trust}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.client.Create(ctx, &pulumirpc.CreateRequest{Urn: urn(roleType), Properties: text}); status.Code(err) != codes.Canceled {
		t.Errorf("%v", err)
	}
	if operation := <-seen; operation.Kind != "create" || operation.URN.Type() != roleType {
		t.Errorf("observed %+v", operation)
	}
	f.server.Close() // Which waits for nothing.
	if _, err := f.world.RoleNamed(compute, "R"); err == nil {
		t.Error("the role was made")
	}
}

func TestRun(t *testing.T) {
	f := newFixture(t, nil)
	client := f.dial(t, "command")
	run := func(arguments map[string]any) (resource.PropertyMap, error) {
		text, err := write(resource.NewPropertyMapFromMap(arguments))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "command:local:run", Args: text})
		if err != nil {
			return nil, err
		}
		return read(response.GetReturn())
	}
	outputs, err := run(map[string]any{
		"command": "echo $WORD > file; echo said; echo more >&2", "dir": f.directory, "environment": map[string]any{"WORD": "written"}, "logging": "none",
	})
	if err != nil || outputs["stdout"].StringValue() != "said" || outputs["stderr"].StringValue() != "more" {
		t.Errorf("%v %v", outputs, err)
	}
	if text, err := os.ReadFile(filepath.Join(f.directory, "file")); err != nil || string(text) != "written\n" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := run(map[string]any{"command": "set -e\necho what went wrong >&2\nexit 3", "dir": f.directory}); err == nil ||
		!strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "what went wrong") {
		t.Errorf("%v", err)
	}
	if _, err := run(map[string]any{"command": "true", "shell": "bash"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an argument that the lab does not know: %v", err)
	}
	if _, err := client.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "command:remote:run"}); status.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}
}
