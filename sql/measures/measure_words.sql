-- One row per starter rule: what it looks for, in words that fit into a sentence, and the public recommendation it follows.
-- Title, version and direction stand in the header of the rule and come with the run.
-- needs: run
SELECT m.measure, m.evidence, m.source
FROM (VALUES
    ('bp_control', 'a blood pressure reading', 'WHO 2021, https://www.who.int/publications/i/item/9789240033986'),
    ('breast_screening', 'a mammogram', 'USPSTF 2024, https://www.uspreventiveservicestaskforce.org/uspstf/recommendation/breast-cancer-screening'),
    ('colorectal_screening', 'a colorectal screening test', 'USPSTF 2021, https://www.uspreventiveservicestaskforce.org/uspstf/recommendation/colorectal-cancer-screening'),
    ('hba1c_poor_control', 'an HbA1c result',
        'Healthy People 2030 D-03, https://health.gov/healthypeople/objectives-and-data/browse-objectives/diabetes/reduce-proportion-adults-diabetes-who-have-a1c-value-above-9-percent-d-03'),
    ('influenza_vaccination', 'an influenza vaccination', 'CDC/ACIP 2024, https://www.cdc.gov/mmwr/volumes/73/rr/rr7305a1.htm')
) AS m(measure, evidence, source)
