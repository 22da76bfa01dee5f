-- housing: a lead whose data turned out not to be this home's is withdrawn, with the reason.

ALTER TABLE lead DROP CONSTRAINT lead_status_check;
ALTER TABLE lead ADD CONSTRAINT lead_status_check
    CHECK (status IN ('open', 'confirmed', 'refuted', 'dismissed', 'withdrawn'));
