package provider

import (
	"context"
	"strings"

	"cross-account-s3/lab/account"
)

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/accesspoint/
type accessPoint struct {
	Name                           string                 `json:"name" lab:"name"`
	Bucket                         string                 `json:"bucket" lab:"required,replaces"`
	Policy                         string                 `json:"policy,omitempty" lab:"policy"`
	PublicAccessBlockConfiguration accessPointPublicBlock `json:"publicAccessBlockConfiguration" lab:"replaces"`
}

// accessPointPublicBlock is on where nothing is said.
type accessPointPublicBlock struct {
	BlockPublicAcls       *bool `json:"blockPublicAcls"`
	BlockPublicPolicy     *bool `json:"blockPublicPolicy"`
	IgnorePublicAcls      *bool `json:"ignorePublicAcls"`
	RestrictPublicBuckets *bool `json:"restrictPublicBuckets"`
}

func (b *accessPointPublicBlock) settings() map[string]**bool {
	return map[string]**bool{
		"blockPublicAcls": &b.BlockPublicAcls, "blockPublicPolicy": &b.BlockPublicPolicy,
		"ignorePublicAcls": &b.IgnorePublicAcls, "restrictPublicBuckets": &b.RestrictPublicBuckets,
	}
}

func (p *accessPoint) put(ctx context.Context, s *session, create bool) (string, error) {
	point := account.AccessPoint{Account: s.account, Region: s.region, Name: p.Name, Bucket: p.Bucket, PublicAccessBlock: map[string]bool{}}
	for name, setting := range p.PublicAccessBlockConfiguration.settings() {
		point.PublicAccessBlock[name] = *setting == nil || **setting
	}
	id, arn := s.account+":"+p.Name, point.ARN()
	if create {
		if err := s.may(ctx, "s3:CreateAccessPoint", arn); err != nil {
			return id, err
		}
		if _, err := s.world.CreateAccessPoint(point); err != nil {
			return id, err
		}
	}
	if p.Policy == "" {
		return id, nil // It can be another resource's.
	}
	if err := s.may(ctx, "s3:PutAccessPointPolicy", arn); err != nil {
		return id, err
	}
	return id, s.world.PutAccessPointPolicy(arn, p.Policy)
}

// accessPointARN is that of an id, which is the account and the name.
func accessPointARN(s *session, id string) string {
	owner, name, _ := strings.Cut(id, ":")
	point := account.AccessPoint{Account: owner, Region: s.region, Name: name}
	return point.ARN()
}

func (p *accessPoint) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	arn := accessPointARN(s, id)
	stored, err := s.world.AccessPoint(arn)
	if err != nil {
		return nil, err
	}
	for _, action := range []string{"s3:GetAccessPoint", "s3:GetAccessPointPolicy"} {
		if err := s.may(ctx, action, arn); err != nil {
			return nil, err
		}
	}
	p.Name, p.Bucket = stored.Name, stored.Bucket
	for name, setting := range p.PublicAccessBlockConfiguration.settings() {
		blocks := stored.PublicAccessBlock[name]
		*setting = &blocks
	}
	p.Policy, err = s.world.AccessPointPolicy(arn)
	return map[string]any{
		"arn": arn, "alias": stored.Alias, "accountId": stored.Account, "bucketAccountId": stored.Account, "networkOrigin": account.NetworkOrigin,
		"hasPublicAccessPolicy": false, "domainName": stored.Name + "-" + stored.Account + ".s3-accesspoint." + stored.Region + ".amazonaws.com",
	}, err
}

func (p *accessPoint) remove(ctx context.Context, s *session, id string) error {
	arn := accessPointARN(s, id)
	if _, err := s.world.AccessPoint(arn); err != nil {
		return err
	}
	if err := s.may(ctx, "s3:DeleteAccessPoint", arn); err != nil {
		return err
	}
	return s.world.DeleteAccessPoint(arn)
}
