package provider

import (
	"context"
	"strings"
	"time"

	"cross-account-s3/lab/account"
)

// https://www.pulumi.com/registry/packages/aws/api-docs/iam/role/
type role struct {
	Name                string            `json:"name" lab:"name"`
	Path                string            `json:"path" lab:"replaces" default:"\"/\""`
	Description         string            `json:"description,omitempty"`
	AssumeRolePolicy    string            `json:"assumeRolePolicy" lab:"required,policy"`
	MaxSessionDuration  int               `json:"maxSessionDuration" default:"3600"`
	ForceDetachPolicies bool              `json:"forceDetachPolicies" lab:"local" default:"false"`
	Tags                map[string]string `json:"tags,omitempty"`
}

func (r *role) put(ctx context.Context, s *session, create bool) (string, error) {
	arn := "arn:aws:iam::" + s.account + ":role" + r.Path + r.Name
	stored := account.Role{
		Account: s.account, ARN: arn, Name: r.Name, Path: r.Path, Description: r.Description, TrustPolicy: r.AssumeRolePolicy,
		MaxSessionDuration: r.MaxSessionDuration, Tags: r.Tags,
	}
	if !create {
		if err := s.may(ctx, "iam:UpdateAssumeRolePolicy", arn); err != nil {
			return r.Name, err
		}
		return r.Name, s.world.UpdateRole(stored)
	}
	if err := s.may(ctx, "iam:CreateRole", arn); err != nil {
		return r.Name, err
	}
	_, err := s.world.CreateRole(stored)
	return r.Name, err
}

func (r *role) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	stored, err := s.world.RoleNamed(s.account, id)
	if err != nil {
		return nil, err
	}
	if err := s.may(ctx, "iam:GetRole", stored.ARN); err != nil {
		return nil, err
	}
	*r = role{
		Name: stored.Name, Path: stored.Path, Description: stored.Description, AssumeRolePolicy: stored.TrustPolicy,
		MaxSessionDuration: stored.MaxSessionDuration, Tags: stored.Tags,
	}
	return map[string]any{
		"arn": stored.ARN, "uniqueId": stored.UniqueID, "createDate": stored.Created.Format(time.RFC3339), "tagsAll": tags(stored.Tags),
	}, nil
}

func (r *role) remove(ctx context.Context, s *session, id string) error {
	stored, err := s.world.RoleNamed(s.account, id)
	if err != nil {
		return err
	}
	if err := s.may(ctx, "iam:DeleteRole", stored.ARN); err != nil {
		return err
	}
	if r.ForceDetachPolicies {
		for name := range stored.Policies {
			if err := s.world.DeleteRolePolicy(stored.ARN, name); err != nil {
				return err
			}
		}
	}
	return s.world.DeleteRole(stored.ARN)
}

// tags are tags as a property has them.
func tags(tags map[string]string) map[string]any {
	result := map[string]any{}
	for key, value := range tags {
		result[key] = value
	}
	return result
}

// https://www.pulumi.com/registry/packages/aws/api-docs/iam/rolepolicy/
type rolePolicy struct {
	Name   string `json:"name" lab:"name"`
	Role   string `json:"role" lab:"required,replaces"`
	Policy string `json:"policy" lab:"required,policy"`
}

func (p *rolePolicy) put(ctx context.Context, s *session, _ bool) (string, error) {
	id := p.Role + ":" + p.Name
	stored, err := s.world.RoleNamed(s.account, p.Role)
	if err != nil {
		return id, err
	}
	if err := s.may(ctx, "iam:PutRolePolicy", stored.ARN); err != nil {
		return id, err
	}
	return id, s.world.PutRolePolicy(stored.ARN, p.Name, p.Policy)
}

func (p *rolePolicy) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	p.Role, p.Name, _ = strings.Cut(id, ":")
	stored, err := s.world.RoleNamed(s.account, p.Role)
	if err != nil {
		return nil, err
	}
	if err := s.may(ctx, "iam:GetRolePolicy", stored.ARN); err != nil {
		return nil, err
	}
	var has bool
	if p.Policy, has = stored.Policies[p.Name]; !has {
		return nil, &account.Error{Code: "NoSuchEntity", Message: "The role policy with name " + p.Name + " cannot be found."}
	}
	return nil, nil
}

func (p *rolePolicy) remove(ctx context.Context, s *session, id string) error {
	p.Role, p.Name, _ = strings.Cut(id, ":")
	stored, err := s.world.RoleNamed(s.account, p.Role)
	if err != nil {
		return err
	}
	if err := s.may(ctx, "iam:DeleteRolePolicy", stored.ARN); err != nil {
		return err
	}
	return s.world.DeleteRolePolicy(stored.ARN, p.Name)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/cloudwatch/loggroup/
type logGroup struct {
	Name            string            `json:"name" lab:"name"`
	RetentionInDays int               `json:"retentionInDays" default:"0"`
	SkipDestroy     bool              `json:"skipDestroy" lab:"local" default:"false"`
	Tags            map[string]string `json:"tags,omitempty"`
}

func (g *logGroup) group(s *session, name string) *account.LogGroup {
	return &account.LogGroup{Account: s.account, Region: s.region, Name: name, RetentionInDays: g.RetentionInDays, Tags: g.Tags}
}

func (g *logGroup) put(ctx context.Context, s *session, create bool) (string, error) {
	group := g.group(s, g.Name)
	action := "logs:PutRetentionPolicy"
	if create {
		action = "logs:CreateLogGroup"
	}
	if err := s.may(ctx, action, group.ARN()); err != nil {
		return g.Name, err
	}
	return g.Name, s.world.PutLogGroup(*group, create)
}

func (g *logGroup) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	arn := g.group(s, id).ARN()
	if err := s.may(ctx, "logs:DescribeLogGroups", arn); err != nil {
		return nil, err
	}
	stored, err := s.world.LogGroup(arn)
	*g = logGroup{Name: stored.Name, RetentionInDays: stored.RetentionInDays, Tags: stored.Tags}
	return map[string]any{"arn": arn, "logGroupClass": "STANDARD", "tagsAll": tags(stored.Tags)}, err
}

func (g *logGroup) remove(ctx context.Context, s *session, id string) error {
	if g.SkipDestroy {
		return nil
	}
	arn := g.group(s, id).ARN()
	if err := s.may(ctx, "logs:DeleteLogGroup", arn); err != nil {
		return err
	}
	return s.world.DeleteLogGroup(arn)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/lambda/function/
type function struct {
	Name                         string            `json:"name" lab:"name"`
	Description                  string            `json:"description,omitempty"`
	Role                         string            `json:"role" lab:"required"`
	PackageType                  string            `json:"packageType" lab:"replaces" default:"\"Zip\""`
	Runtime                      string            `json:"runtime" lab:"required"`
	Handler                      string            `json:"handler" lab:"required"`
	Architectures                []string          `json:"architectures" default:"[\"x86_64\"]"`
	Code                         []byte            `json:"code,omitempty" lab:"required,local"`
	SourceCodeHash               string            `json:"sourceCodeHash,omitempty" lab:"local"`
	MemorySize                   int               `json:"memorySize" default:"128"`
	Timeout                      int               `json:"timeout" default:"3"`
	ReservedConcurrentExecutions int               `json:"reservedConcurrentExecutions" default:"-1"`
	Publish                      bool              `json:"publish" lab:"local" default:"false"`
	TracingConfig                tracingConfig     `json:"tracingConfig" default:"{\"mode\":\"PassThrough\"}"`
	LoggingConfig                loggingConfig     `json:"loggingConfig,omitzero"`
	Environment                  environment       `json:"environment,omitzero"`
	VPCConfig                    vpcConfig         `json:"vpcConfig,omitzero"`
	Tags                         map[string]string `json:"tags,omitempty"`
}

type tracingConfig struct {
	Mode string `json:"mode"`
}

type loggingConfig struct {
	LogFormat string `json:"logFormat"`
	LogGroup  string `json:"logGroup"`
}

type vpcConfig struct {
	SubnetIDs        []string `json:"subnetIds"`
	SecurityGroupIDs []string `json:"securityGroupIds"`
}

type environment struct {
	Variables map[string]string `json:"variables"`
}

func (f *function) put(ctx context.Context, s *session, create bool) (string, error) {
	architecture := "x86_64"
	if len(f.Architectures) > 0 {
		architecture = f.Architectures[0]
	}
	stored := account.Function{
		Account: s.account, Region: s.region, Name: f.Name, Description: f.Description, Role: f.Role, Runtime: f.Runtime, Handler: f.Handler,
		Architecture: architecture, Code: f.Code, MemorySize: f.MemorySize, Timeout: time.Duration(f.Timeout) * time.Second,
		Tracing: f.TracingConfig.Mode, LogFormat: f.LoggingConfig.LogFormat, LogGroup: f.LoggingConfig.LogGroup,
		Environment: f.Environment.Variables, Subnets: f.VPCConfig.SubnetIDs, SecurityGroups: f.VPCConfig.SecurityGroupIDs, Tags: f.Tags,
	}
	if f.ReservedConcurrentExecutions >= 0 {
		stored.ReservedConcurrency = &f.ReservedConcurrentExecutions
	}
	if err := s.may(ctx, "iam:PassRole", f.Role); err != nil {
		return f.Name, err
	}
	if err := f.VPCConfig.may(ctx, s); err != nil {
		return f.Name, err
	}
	if !create {
		if err := s.may(ctx, "lambda:UpdateFunctionConfiguration", stored.ARN()); err != nil {
			return f.Name, err
		}
		_, err := s.world.UpdateFunction(ctx, stored)
		return f.Name, err
	}
	if err := s.may(ctx, "lambda:CreateFunction", stored.ARN()); err != nil {
		return f.Name, err
	}
	_, err := s.world.CreateFunction(ctx, stored)
	return f.Name, err
}

func (f *function) arn(s *session, name string) string {
	return (&account.Function{Account: s.account, Region: s.region, Name: name}).ARN()
}

func (f *function) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	arn := f.arn(s, id)
	if err := s.may(ctx, "lambda:GetFunction", arn); err != nil {
		return nil, err
	}
	stored, err := s.world.Function(arn)
	if err != nil {
		return nil, err
	}
	*f = function{
		Name: stored.Name, Description: stored.Description, Role: stored.Role, PackageType: "Zip", Runtime: stored.Runtime,
		Handler: stored.Handler, Architectures: []string{stored.Architecture}, MemorySize: stored.MemorySize,
		Timeout: int(stored.Timeout / time.Second), ReservedConcurrentExecutions: -1,
		TracingConfig: tracingConfig{Mode: stored.Tracing}, Environment: environment{Variables: stored.Environment}, Tags: stored.Tags,
		LoggingConfig: loggingConfig{LogFormat: stored.LogFormat, LogGroup: stored.LogGroup},
		VPCConfig:     vpcConfig{SubnetIDs: stored.Subnets, SecurityGroupIDs: stored.SecurityGroups},
	}
	if stored.ReservedConcurrency != nil {
		f.ReservedConcurrentExecutions = *stored.ReservedConcurrency
	}
	return map[string]any{
		"arn": arn, "qualifiedArn": arn + ":$LATEST", "version": "$LATEST", "lastModified": stored.Modified.Format(time.RFC3339),
		"codeSha256": stored.CodeSHA256(), "sourceCodeSize": len(stored.Code), "tagsAll": tags(stored.Tags),
		"invokeArn": "arn:aws:apigateway:" + s.region + ":lambda:path/2015-03-31/functions/" + arn + "/invocations",
	}, nil
}

func (f *function) remove(ctx context.Context, s *session, id string) error {
	arn := f.arn(s, id)
	if err := s.may(ctx, "lambda:DeleteFunction", arn); err != nil {
		return err
	}
	return s.world.DeleteFunction(arn)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketv2/
type bucket struct {
	Bucket       string            `json:"bucket" lab:"name"`
	ForceDestroy bool              `json:"forceDestroy" lab:"local" default:"false"`
	Tags         map[string]string `json:"tags,omitempty"`
}

func (b *bucket) put(ctx context.Context, s *session, create bool) (string, error) {
	stored := account.Bucket{Account: s.account, Region: s.region, Name: b.Bucket, Tags: b.Tags}
	if !create {
		if err := s.may(ctx, "s3:PutBucketTagging", stored.ARN()); err != nil {
			return b.Bucket, err
		}
		return b.Bucket, s.world.UpdateBucket(b.Bucket, b.Tags)
	}
	if err := s.may(ctx, "s3:CreateBucket", stored.ARN()); err != nil {
		return b.Bucket, err
	}
	_, err := s.world.CreateBucket(ctx, stored)
	return b.Bucket, err
}

// bucketARN is the ARN of the bucket with this name.
func bucketARN(name string) string { return (&account.Bucket{Name: name}).ARN() }

func (b *bucket) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	stored, err := s.world.Bucket(id)
	if err != nil {
		return nil, err
	}
	if err := s.may(ctx, "s3:ListBucket", stored.ARN()); err != nil {
		return nil, err
	}
	b.Bucket, b.Tags = stored.Name, stored.Tags
	domain := stored.Name + ".s3." + stored.Region + ".amazonaws.com"
	return map[string]any{
		"arn": stored.ARN(), "region": stored.Region, "bucketDomainName": stored.Name + ".s3.amazonaws.com", "bucketRegionalDomainName": domain,
		"tagsAll": tags(stored.Tags),
	}, nil
}

func (b *bucket) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "s3:DeleteBucket", bucketARN(id)); err != nil {
		return err
	}
	if b.ForceDestroy {
		if err := s.world.EmptyBucket(ctx, id); err != nil {
			return err
		}
	}
	return s.world.DeleteBucket(ctx, id)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketpolicy/
type bucketPolicy struct {
	Bucket string `json:"bucket" lab:"name"`
	Policy string `json:"policy" lab:"required,policy"`
}

func (p *bucketPolicy) put(ctx context.Context, s *session, _ bool) (string, error) {
	if err := s.may(ctx, "s3:PutBucketPolicy", bucketARN(p.Bucket)); err != nil {
		return p.Bucket, err
	}
	return p.Bucket, s.world.PutBucketPolicy(p.Bucket, p.Policy)
}

func (p *bucketPolicy) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	if err := s.may(ctx, "s3:GetBucketPolicy", bucketARN(id)); err != nil {
		return nil, err
	}
	var err error
	p.Bucket = id
	p.Policy, err = s.world.BucketPolicy(id)
	return nil, err
}

func (p *bucketPolicy) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "s3:DeleteBucketPolicy", bucketARN(id)); err != nil {
		return err
	}
	return s.world.DeleteBucketPolicy(id)
}

// notConfigured is the code for a configuration that a bucket does not have; S3 has another one for each.
const notConfigured = "NoSuchConfiguration"

// configure sets one configuration of a bucket, or removes it where the value is nil.
func (s *session) configure(ctx context.Context, action, bucket, name string, value map[string]any) error {
	if err := s.may(ctx, action, bucketARN(bucket)); err != nil {
		return err
	}
	return s.world.Configure(bucket, name, value)
}

func (s *session) configured(ctx context.Context, action, bucket, name string) (map[string]any, error) {
	stored, err := s.world.Bucket(bucket)
	if err != nil {
		return nil, err
	}
	if err := s.may(ctx, action, stored.ARN()); err != nil {
		return nil, err
	}
	if stored.Configurations[name] == nil {
		return nil, &account.Error{Code: notConfigured, Message: "the bucket " + bucket + " has no " + name}
	}
	return stored.Configurations[name], nil
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketownershipcontrols/
type bucketOwnershipControls struct {
	Bucket string        `json:"bucket" lab:"name"`
	Rule   ownershipRule `json:"rule" lab:"required"`
}

type ownershipRule struct {
	ObjectOwnership string `json:"objectOwnership"`
}

func (c *bucketOwnershipControls) put(ctx context.Context, s *session, _ bool) (string, error) {
	return c.Bucket, s.configure(ctx, "s3:PutBucketOwnershipControls", c.Bucket, account.OwnershipControls,
		map[string]any{"objectOwnership": c.Rule.ObjectOwnership})
}

func (c *bucketOwnershipControls) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetBucketOwnershipControls", id, account.OwnershipControls)
	c.Bucket = id
	c.Rule.ObjectOwnership, _ = value["objectOwnership"].(string)
	return nil, err
}

func (c *bucketOwnershipControls) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutBucketOwnershipControls", id, account.OwnershipControls, nil)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketpublicaccessblock/
type bucketPublicAccessBlock struct {
	Bucket                string `json:"bucket" lab:"name"`
	BlockPublicACLs       bool   `json:"blockPublicAcls" default:"false"`
	BlockPublicPolicy     bool   `json:"blockPublicPolicy" default:"false"`
	IgnorePublicACLs      bool   `json:"ignorePublicAcls" default:"false"`
	RestrictPublicBuckets bool   `json:"restrictPublicBuckets" default:"false"`
}

func (b *bucketPublicAccessBlock) put(ctx context.Context, s *session, _ bool) (string, error) {
	return b.Bucket, s.configure(ctx, "s3:PutBucketPublicAccessBlock", b.Bucket, account.PublicAccessBlock, map[string]any{
		"blockPublicAcls": b.BlockPublicACLs, "blockPublicPolicy": b.BlockPublicPolicy,
		"ignorePublicAcls": b.IgnorePublicACLs, "restrictPublicBuckets": b.RestrictPublicBuckets,
	})
}

func (b *bucketPublicAccessBlock) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetBucketPublicAccessBlock", id, account.PublicAccessBlock)
	b.Bucket = id
	for name, into := range map[string]*bool{
		"blockPublicAcls": &b.BlockPublicACLs, "blockPublicPolicy": &b.BlockPublicPolicy,
		"ignorePublicAcls": &b.IgnorePublicACLs, "restrictPublicBuckets": &b.RestrictPublicBuckets,
	} {
		*into, _ = value[name].(bool)
	}
	return nil, err
}

func (b *bucketPublicAccessBlock) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutBucketPublicAccessBlock", id, account.PublicAccessBlock, nil)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketversioningv2/
type bucketVersioning struct {
	Bucket                  string                  `json:"bucket" lab:"name"`
	VersioningConfiguration versioningConfiguration `json:"versioningConfiguration" lab:"required"`
}

type versioningConfiguration struct {
	Status string `json:"status"`
}

func (v *bucketVersioning) put(ctx context.Context, s *session, _ bool) (string, error) {
	return v.Bucket, s.configure(ctx, "s3:PutBucketVersioning", v.Bucket, account.Versioning,
		map[string]any{"status": v.VersioningConfiguration.Status})
}

func (v *bucketVersioning) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetBucketVersioning", id, account.Versioning)
	v.Bucket = id
	v.VersioningConfiguration.Status, _ = value["status"].(string)
	return nil, err
}

// remove suspends versioning: S3 cannot go back to a bucket that never had it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
func (v *bucketVersioning) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutBucketVersioning", id, account.Versioning, map[string]any{"status": "Suspended"})
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketserversideencryptionconfigurationv2/
type bucketEncryption struct {
	Bucket string           `json:"bucket" lab:"name"`
	Rules  []encryptionRule `json:"rules" lab:"required"`
}

type encryptionRule struct {
	ApplyServerSideEncryptionByDefault encryptionByDefault `json:"applyServerSideEncryptionByDefault"`
	BucketKeyEnabled                   bool                `json:"bucketKeyEnabled,omitempty"`
}

type encryptionByDefault struct {
	SSEAlgorithm   string `json:"sseAlgorithm"`
	KMSMasterKeyID string `json:"kmsMasterKeyId,omitempty"`
}

func (e *bucketEncryption) put(ctx context.Context, s *session, _ bool) (string, error) {
	if len(e.Rules) != 1 {
		return e.Bucket, &account.Error{Code: "MalformedXML", Message: "a bucket has exactly one rule of default encryption"}
	}
	rule := e.Rules[0]
	return e.Bucket, s.configure(ctx, "s3:PutEncryptionConfiguration", e.Bucket, account.ServerSideEncryption, map[string]any{
		"sseAlgorithm":   rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm,
		"kmsMasterKeyId": rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID, "bucketKeyEnabled": rule.BucketKeyEnabled,
	})
}

func (e *bucketEncryption) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetEncryptionConfiguration", id, account.ServerSideEncryption)
	e.Bucket, e.Rules = id, make([]encryptionRule, 1)
	byDefault := &e.Rules[0].ApplyServerSideEncryptionByDefault
	byDefault.SSEAlgorithm, _ = value["sseAlgorithm"].(string)
	byDefault.KMSMasterKeyID, _ = value["kmsMasterKeyId"].(string)
	e.Rules[0].BucketKeyEnabled, _ = value["bucketKeyEnabled"].(bool)
	return nil, err
}

func (e *bucketEncryption) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutEncryptionConfiguration", id, account.ServerSideEncryption, nil)
}
