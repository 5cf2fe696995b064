use crate::area::HasArea;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Square {
    pub side_m: f64,
}

impl Default for Square {
    fn default() -> Self {
        Self { side_m: 1.0 }
    }
}

impl HasArea for Square {
    fn area_m2(&self) -> f64 {
        self.side_m * self.side_m
    }
}
