-- One row per starter rule: what lists and reports say about it. evidence names what it looks for, in the words of a
-- sentence; source is the public recommendation. The first columns repeat the headers of the rules; a test compares them.
-- needs: run
SELECT m.measure, m.title, m.version, m.direction, m.purpose, m.evidence, m.source
FROM (VALUES
    ('bp_control', 'Blood pressure below 140/90', '2021.1', 'higher', 'chronic', 'blood pressure reading',
        'WHO 2021, https://www.who.int/publications/i/item/9789240033986'),
    ('breast_screening', 'Breast cancer screening', '2024.1', 'higher', 'preventive', 'mammogram',
        'USPSTF 2024, https://www.uspreventiveservicestaskforce.org/uspstf/recommendation/breast-cancer-screening'),
    ('colorectal_screening', 'Colorectal cancer screening', '2021.1', 'higher', 'preventive', 'colorectal screening test',
        'USPSTF 2021, https://www.uspreventiveservicestaskforce.org/uspstf/recommendation/colorectal-cancer-screening'),
    ('hba1c_poor_control', 'Diabetes: HbA1c above 9 % or not tested', '2030.1', 'lower', 'chronic', 'HbA1c result',
        'Healthy People 2030 D-03, https://health.gov/healthypeople/objectives-and-data/browse-objectives/diabetes/reduce-proportion-adults-diabetes-who-have-a1c-value-above-9-percent-d-03'),
    ('influenza_vaccination', 'Influenza vaccination', '2024.1', 'higher', 'preventive', 'influenza vaccination',
        'CDC/ACIP 2024, https://www.cdc.gov/mmwr/volumes/73/rr/rr7305a1.htm')
) AS m(measure, title, version, direction, purpose, evidence, source)
